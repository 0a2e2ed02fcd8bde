/** What every Kubernetes object has, as far as the operator reads it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeMetadata;
  readonly spec?: unknown;
  readonly status?: unknown;
}

export interface KubeMetadata {
  readonly name: string;
  /** Absent on objects of the whole cluster. */
  readonly namespace?: string;
  readonly uid: string;
  /** Compared for equality, never for order. */
  readonly resourceVersion: string;
  /** Grows with every change of the spec. */
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/**
 * Why a request came to nothing. A closed list, so that every caller says what it does about each.
 * `ambiguous`: a change was sent and its answer was lost; read before trying again.
 */
export type KubeFailure =
  | { readonly kind: 'throttled'; readonly message: string; readonly retryAfterMs: number }
  | {
      readonly kind:
        | 'conflict'
        | 'invalid'
        | 'forbidden'
        | 'unauthorized'
        | 'notFound'
        | 'gone'
        | 'unavailable'
        | 'refused'
        | 'transport'
        | 'ambiguous';
      readonly message: string;
    };

export type KubeAnswer =
  | { readonly kind: 'answered'; readonly body: unknown }
  | { readonly kind: 'failed'; readonly failure: KubeFailure };

/** How a watch ended. `droppedBytes`: of a last line that the server did not finish. */
export type WatchEnd =
  | { readonly kind: 'closed'; readonly droppedBytes: number }
  | { readonly kind: 'failed'; readonly failure: KubeFailure };

/** One API server. No method rejects. */
export interface KubeApi {
  call(request: KubeRequest): Promise<KubeAnswer>;
  /**
   * Calls back with each JSON line of a watch until the server ends it, it breaks, or the signal
   * fires. A line that is no JSON ends it as `transport`.
   */
  watch(
    request: Pick<KubeRequest, 'path' | 'query'>,
    onEvent: (event: unknown) => void,
    signal: AbortSignal,
  ): Promise<WatchEnd>;
}

/** The failure that an error answer stands for; `body` is a Kubernetes `Status` where it is one. */
export function failureOf(
  status: number,
  body: unknown,
  retryAfterSeconds: number | null,
): KubeFailure {
  const said = (body ?? {}) as {
    readonly message?: unknown;
    readonly details?: { readonly retryAfterSeconds?: unknown };
  };
  const message = typeof said.message === 'string' ? said.message : `HTTP status ${status}`;
  const named = named4xx[status];
  if (named !== undefined) return { kind: named, message };
  if (status === 429) {
    const given = retryAfterSeconds ?? said.details?.retryAfterSeconds;
    const seconds = typeof given === 'number' && given > 0 ? given : 1;
    return { kind: 'throttled', message, retryAfterMs: seconds * 1000 };
  }
  return { kind: status >= 500 ? 'unavailable' : 'refused', message };
}

const named4xx: Readonly<Record<number, Exclude<KubeFailure['kind'], 'throttled'>>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'notFound',
  409: 'conflict',
  410: 'gone',
  422: 'invalid',
};
