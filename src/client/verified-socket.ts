import { once } from 'node:events';
import { connect, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { CertificateCheck } from '../pki/certificate-identity.ts';
import type { Target } from './target.ts';

export type OpenedSocket =
  | { readonly kind: 'open'; readonly socket: TLSSocket }
  | { readonly kind: 'refused'; readonly check: Extract<CertificateCheck, { kind: 'refused' }> }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Connects and shakes hands. The socket is only handed out once `verify` has accepted the server's
 * certificate, so nothing is ever sent to anybody else. Never rejects.
 */
export async function openVerifiedSocket(
  target: Target,
  options: {
    readonly context: SecureContextOptions;
    readonly verify: (socket: TLSSocket) => CertificateCheck;
    readonly signal: AbortSignal;
  },
): Promise<OpenedSocket> {
  if (options.signal.aborted) return { kind: 'failed', error: options.signal.reason };
  const where = 'unixSocket' in target ? { path: target.unixSocket } : target;
  const socket = connect({
    ...options.context,
    ...where,
    // `verify` decides, and it knows why; host names play no part in it.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  try {
    await once(socket, 'secureConnect', { signal: options.signal });
    const check = options.verify(socket);
    if (check.kind === 'ok') return { kind: 'open', socket };
    drop(socket);
    return { kind: 'refused', check };
  } catch (error) {
    drop(socket);
    return { kind: 'failed', error };
  }
}

function drop(socket: TLSSocket): void {
  socket.on('error', () => undefined);
  socket.destroy();
}
