import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Https, HttpsRequest, HttpsResult } from '../https.ts';

type Failed = HttpsResult & { readonly kind: 'failed' };

const maxHeaderBytes = 16_384;
const unresolved = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);

/** HTTPS over `node:tls` and `node:http`, with the pin checked before the first byte of a request. */
export function realHttps(): Https {
  return { request };
}

function request(wanted: HttpsRequest): Promise<HttpsResult> {
  if (wanted.signal?.aborted === true) {
    return Promise.resolve(failed('aborted', false, 'aborted before it began'));
  }
  return new Promise((resolve) => new Exchange(wanted, resolve).start());
}

/** One request on one connection. It settles once; whatever happens afterwards is ignored. */
class Exchange {
  readonly #wanted: HttpsRequest;
  readonly #settle: (result: HttpsResult) => void;
  readonly #abort = (): void => this.#fail('aborted', 'aborted');
  readonly #deadline: NodeJS.Timeout;
  #socket: TLSSocket | null = null;
  #sent = false;
  #isSettled = false;

  constructor(wanted: HttpsRequest, settle: (result: HttpsResult) => void) {
    this.#wanted = wanted;
    this.#settle = settle;
    this.#deadline = setTimeout(
      () => this.#fail('timeout', `no answer within ${Math.round(wanted.timeoutMs)} ms`),
      wanted.timeoutMs,
    );
    wanted.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  start(): void {
    const { host, port, authority } = this.#wanted;
    const socket = connect({
      host,
      port,
      // The pin stands in for an authority: BMCs sign their own certificates.
      rejectUnauthorized: authority === 'system',
      minVersion: 'TLSv1.2',
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    this.#socket = socket;
    socket.on('error', (error) => this.#socketFailed(error));
    socket.once('close', () => this.#fail('unreachable', 'the connection was closed'));
    socket.once('secureConnect', () => this.#connected(socket));
  }

  #connected(socket: TLSSocket): void {
    const certificate = fingerprintOf(socket);
    const { pin } = this.#wanted;
    if (certificate === null) return this.#fail('protocol', 'the server shows no certificate');
    if (pin !== null && certificate !== pin) {
      return this.#fail('pin', `the certificate is ${certificate}, enrolled is ${pin}`);
    }
    this.#send(socket, certificate);
  }

  #send(socket: TLSSocket, certificate: string): void {
    const { host, method, path, headers, body } = this.#wanted;
    this.#sent = true;
    const outgoing = httpRequest({
      createConnection: () => socket,
      host,
      port: this.#wanted.port,
      method,
      path,
      maxHeaderSize: maxHeaderBytes,
      headers: {
        ...headers,
        ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        connection: 'close',
      },
    });
    outgoing.on('error', (error) => {
      const isParse = 'code' in error && String(error.code).startsWith('HPE_');
      this.#fail(isParse ? 'protocol' : 'unreachable', error.message);
    });
    outgoing.on('response', (response) => this.#read(response, certificate));
    outgoing.end(body ?? undefined);
  }

  #read(response: IncomingMessage, certificate: string): void {
    const { maxBodyBytes } = this.#wanted;
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBodyBytes) {
        return this.#fail('protocol', `the answer is longer than ${maxBodyBytes} bytes`);
      }
      chunks.push(chunk);
    });
    response.on('error', (error) => this.#fail('unreachable', error.message));
    response.on('end', () => {
      if (!response.complete) return this.#fail('unreachable', 'the answer was cut short');
      this.#end({
        kind: 'answered',
        status: response.statusCode ?? 0,
        headers: headersOf(response),
        body: Buffer.concat(chunks).toString('utf8'),
        certificate,
      });
    });
  }

  #socketFailed(error: Error): void {
    const code = 'code' in error ? String(error.code) : '';
    if (unresolved.has(code)) return this.#fail('dns', error.message);
    // A TLS alert, or something that is no TLS at all.
    const isTls = code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || isUntrusted(code);
    this.#fail(isTls ? 'protocol' : 'unreachable', error.message);
  }

  #fail(because: Failed['because'], detail: string): void {
    this.#end(failed(because, this.#sent, detail));
  }

  #end(result: HttpsResult): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#deadline);
    this.#wanted.signal?.removeEventListener('abort', this.#abort);
    this.#socket?.destroy();
    this.#settle(result);
  }
}

/** How Node names a certificate that no authority of this machine vouches for. */
function isUntrusted(code: string): boolean {
  return /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/.test(code);
}

function failed(because: Failed['because'], sent: boolean, detail: string): Failed {
  return { kind: 'failed', because, sent, detail };
}

function fingerprintOf(socket: TLSSocket): string | null {
  const { fingerprint256 } = socket.getPeerCertificate();
  // Empty where there is no certificate, whatever the types say.
  const text = (fingerprint256 as string | undefined) ?? '';
  return text === '' ? null : text.replaceAll(':', '').toLowerCase();
}

function headersOf(response: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
