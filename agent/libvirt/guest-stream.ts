import type {
  GuestStream,
  GuestStreamEvents,
  GuestStreamRequest,
  HypervisorResult,
} from '../hypervisor.ts';
import type { Dial } from './byte-stream.ts';
import { LibvirtConnection, type ConnectionOptions, type StreamPiece } from './connection.ts';
import { failed } from './domain-lookup.ts';
import type { DomainRef } from './domain-ref.ts';
import { consoleForce } from './flags.ts';
import { handshake } from './handshake.ts';
import { callFailure } from './hypervisor-result.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import { procedures } from './procedures.ts';

/**
 * Opens a stream on a connection of its own, so that what a guest says holds up nothing else. The stream
 * lives as long as that connection.
 */
export async function openGuestStream(
  options: {
    readonly env: LibvirtEnv;
    readonly dial: Dial;
    readonly link: ConnectionOptions & { readonly uri: string; readonly handshakeMs: number };
    readonly deadlineMs: number;
  },
  domain: DomainRef,
  request: GuestStreamRequest,
  events: GuestStreamEvents,
): Promise<HypervisorResult<GuestStream>> {
  const { env, dial, link, deadlineMs } = options;
  const connection = new LibvirtConnection(env, dial(), link);
  let isOver = false;
  const end = (because: string | null): void => {
    if (isOver) return;
    isOver = true;
    connection.close('the stream is over');
    events.onEnd(because);
  };
  connection.onClose((reason) => end(reason));
  const ready = await handshake(connection, link.uri, link.handshakeMs);
  if (ready.kind === 'refused') {
    isOver = true;
    connection.close(ready.message);
    return failed(ready.code, ready.message);
  }
  const take = (piece: StreamPiece): void => {
    if (isOver) return;
    if (piece.kind === 'data') events.onData(piece.bytes);
    else end(piece.kind === 'failed' ? piece.message : null);
  };
  const opened = await ask(connection, domain, request, deadlineMs, take);
  if (opened.kind !== 'ok') {
    isOver = true;
    connection.close('the stream was not opened');
    return callFailure(opened);
  }
  const close = (): void => {
    isOver = true;
    connection.close('the stream is not wanted any more');
  };
  return { kind: 'ok', value: { ...opened.value, close } };
}

async function ask(
  connection: LibvirtConnection,
  domain: DomainRef,
  request: GuestStreamRequest,
  deadlineMs: number,
  take: (piece: StreamPiece) => void,
) {
  if (request.kind === 'console') {
    const args = { domain, device: null, flags: request.force ? consoleForce : 0 };
    const opened = await connection.callStream(procedures.openConsole, args, deadlineMs, take);
    if (opened.kind !== 'ok') return opened;
    return { kind: 'ok', value: { mime: null, write: opened.value.write } } as const;
  }
  const args = { domain, screen: 0, flags: 0 };
  const opened = await connection.callStream(procedures.screenshot, args, deadlineMs, take);
  if (opened.kind !== 'ok') return opened;
  const { value, write } = opened.value;
  return { kind: 'ok', value: { mime: value.mime, write } } as const;
}
