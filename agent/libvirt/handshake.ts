import type { CallResult, LibvirtConnection } from './connection.ts';
import { feature } from './flags.ts';
import { minimumLibvirtVersion, procedures } from './procedures.ts';

const authNone = 0;

export type Handshake =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** 9001002 to `9.1.2`. */
export function versionText(version: bigint): string {
  const number = Number(version);
  const minor = Math.floor(number / 1000) % 1000;
  return `${Math.floor(number / 1_000_000)}.${minor}.${number % 1000}`;
}

function failure(step: string, result: Exclude<CallResult<unknown>, { kind: 'ok' }>): Handshake {
  switch (result.kind) {
    case 'error':
      return {
        kind: 'refused',
        code: result.error.code,
        message: `${step}: ${result.error.message}`,
      };
    case 'notSent':
      return { kind: 'refused', code: result.code, message: result.message };
    case 'ambiguous':
      return { kind: 'refused', code: 'libvirtUnavailable', message: result.message };
    default:
      return result satisfies never;
  }
}

/**
 * Opens the hypervisor over a fresh connection. Refuses with `libvirtAuthRequired` when the socket
 * asks for authentication (the agent runs as root; TLS and SASL are out of scope) and with
 * `libvirtTooOld` below the tested minimum.
 */
export async function handshake(
  connection: LibvirtConnection,
  uri: string,
  deadlineMs: number,
): Promise<Handshake> {
  const auth = await connection.call(procedures.authList, undefined, deadlineMs);
  if (auth.kind !== 'ok') return failure('list of authentications', auth);
  if (!auth.value.types.includes(authNone)) {
    const message =
      `libvirtd asks for authentication (types ${auth.value.types.join(', ')}) on its local socket; ` +
      'set auth_unix_rw = "none" in libvirtd.conf and restart libvirtd';
    return { kind: 'refused', code: 'libvirtAuthRequired', message };
  }
  const open = await connection.call(procedures.connectOpen, { uri, flags: 0 }, deadlineMs);
  if (open.kind !== 'ok') return failure(`open of ${uri}`, open);
  const version = await connection.call(procedures.getLibVersion, undefined, deadlineMs);
  if (version.kind !== 'ok') return failure('version', version);
  if (version.value.version < BigInt(minimumLibvirtVersion)) {
    const message =
      `libvirtd is version ${versionText(version.value.version)}; ` +
      `${versionText(BigInt(minimumLibvirtVersion))} or newer is needed`;
    return { kind: 'refused', code: 'libvirtTooOld', message };
  }
  // Asking for this feature is what makes the server send pings of its own.
  const keepalive = await connection.call(
    procedures.supportsFeature,
    { feature: feature.keepalive },
    deadlineMs,
  );
  if (keepalive.kind !== 'ok') return failure('keepalive', keepalive);
  if (keepalive.value.supported !== 1) {
    return { kind: 'refused', code: 'libvirtUnsupported', message: 'libvirtd has no keepalive' };
  }
  connection.startKeepalive();
  return { kind: 'ready' };
}
