export interface HttpsRequest {
  readonly host: string;
  readonly port: number;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path with query, beginning with `/`. */
  readonly path: string;
  /** Credentials travel here. They are sent only once the pin matched. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /**
   * SHA-256 of the certificate that the server must show, lower-case hex. Null: any certificate will
   * do, so nothing secret may be in the request, unless an `authority` vouches for it.
   */
  readonly pin: string | null;
  /** `system`: the certificate must be of this host by an authority that the machine trusts. */
  readonly authority?: 'system';
  /** From the name look-up to the last byte of the answer. */
  readonly timeoutMs: number;
  /** A longer answer is a failure. */
  readonly maxBodyBytes: number;
  readonly signal?: AbortSignal;
}

export type HttpsResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Names in lower case. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      /** SHA-256 of the server's certificate, lower-case hex. */
      readonly certificate: string;
    }
  | {
      readonly kind: 'failed';
      readonly because: 'dns' | 'unreachable' | 'pin' | 'timeout' | 'aborted' | 'protocol';
      /** A part of the request may have left: the server may act on it. */
      readonly sent: boolean;
      readonly detail: string;
    };

/**
 * Single requests to servers with self-signed certificates, known by their fingerprint. Every
 * request has a connection of its own; redirects are answers like any other and are not followed.
 */
export interface Https {
  /** Never rejects. */
  request(request: HttpsRequest): Promise<HttpsResult>;
}

/** Where nobody can be reached: in the simulator, and in tests that need no server. */
export const noHttps: Https = {
  request: () =>
    Promise.resolve({
      kind: 'failed',
      because: 'unreachable',
      sent: false,
      detail: 'there is no HTTPS here',
    }),
};
