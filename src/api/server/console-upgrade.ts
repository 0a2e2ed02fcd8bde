import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { problem, type Outcome, type Problem } from '../../core/problem.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import type { CredentialSource } from '../../pki/credentials.ts';
import type { Caller } from '../cluster-service.ts';
import { streamPieceBytes } from '../schema/guest-stream.ts';
import type { ConsoleLink, ConsoleReader } from '../vm-stream-service.ts';
import type { RouteContext } from './api.ts';
import { administratorOf } from './authentication.ts';
import { noSuchRoute, problemOfError } from './error-answer.ts';
import { problemStatus } from './problem-status.ts';

/** What a client asks to go on with: bytes of a terminal both ways, and nothing else. */
const protocol = 'kennel-console';
/** A person types slower; what is pasted goes on at one piece in this time, in ms. */
const inputPauseMs = 50;

/**
 * `GET /v1/vms/NAME/console?force=&readOnly=` with `Upgrade: kennel-console`. After the 101 the connection
 * carries the serial port of the guest. Errors before it are the API's usual ones.
 */
export function serveConsoles(
  server: Server,
  context: RouteContext,
  credentials: CredentialSource,
): void {
  server.on('upgrade', (request: IncomingMessage, stream, head: Uint8Array) => {
    const socket = stream as TLSSocket;
    socket.on('error', () => socket.destroy());
    void serve(request, socket, head, context, credentials).catch((error: unknown) => {
      refuse(socket, context, problemOfError(error), request);
    });
  });
}

async function serve(
  request: IncomingMessage,
  socket: TLSSocket,
  head: Uint8Array,
  context: RouteContext,
  credentials: CredentialSource,
): Promise<void> {
  const { env, service } = context;
  const asked = readRequest(request);
  const identity = administratorOf(socket, credentials(), env.clock.wallIso());
  if (identity.kind === 'problem') throw new KennelError(identity.problem);
  if (asked.kind === 'problem') throw new KennelError(asked.problem);
  const { vm, how, reason } = asked.value;
  const caller: Caller = { identity: identity.value, dryRun: false, reason };
  const ends = new ConsoleEnds(socket, context);
  const opened = await service.vmStreams.console(vm, how, caller, ends);
  if (opened.kind === 'problem') throw new KennelError(opened.problem);
  env.log.info({ vm, actor: identity.value.name }, 'console opened');
  ends.begin(opened.value, head);
}

/** Both ends of one console: a client's connection and a guest's serial port. */
class ConsoleEnds implements ConsoleReader {
  readonly #socket: TLSSocket;
  readonly #context: RouteContext;
  readonly #early: Uint8Array[] = [];
  #link: ConsoleLink | null = null;
  /** The guest's side is over; undefined = it is not. */
  #ended: string | null | undefined;

  constructor(socket: TLSSocket, context: RouteContext) {
    this.#socket = socket;
    this.#context = context;
  }

  begin(link: ConsoleLink, head: Uint8Array): void {
    const { closing } = this.#context;
    const socket = this.#socket;
    this.#link = link;
    if (socket.destroyed) {
      link.close();
      return;
    }
    const abort = (): void => this.#say('the manager stops');
    closing.addEventListener('abort', abort, { once: true });
    socket.once('close', () => {
      closing.removeEventListener('abort', abort);
      link.close();
    });
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`,
    );
    for (const bytes of this.#early.splice(0)) this.onOutput(bytes);
    if (this.#ended !== undefined) {
      this.#say(this.#ended);
      return;
    }
    socket.on('data', (bytes: Uint8Array) => void this.#input(bytes));
    socket.on('end', () => socket.end());
    if (head.byteLength > 0) void this.#input(head);
  }

  onOutput(bytes: Uint8Array): void {
    const link = this.#link;
    if (link === null) {
      this.#early.push(bytes);
      return;
    }
    // Asked for again once it has left: a client that reads slowly is fed slowly.
    this.#socket.write(bytes, (error) => {
      if (error == null) link.passedOn(bytes.byteLength);
    });
  }

  onEnd(because: string | null): void {
    this.#ended = because;
    if (this.#link !== null) this.#say(because);
  }

  #say(because: string | null): void {
    this.#socket.end(`\r\n[console closed: ${because ?? 'the guest is off'}]\r\n`);
  }

  async #input(bytes: Uint8Array): Promise<void> {
    this.#socket.pause();
    for (let at = 0; at < bytes.byteLength; at += streamPieceBytes) {
      if (at > 0) await this.#pause();
      this.#link?.write(bytes.subarray(at, at + streamPieceBytes));
    }
    if (bytes.byteLength > 1024) await this.#pause();
    this.#socket.resume();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#context.env.timers.after(inputPauseMs, resolve));
  }
}

interface AskedConsole {
  readonly vm: string;
  readonly how: { readonly force: boolean; readonly readOnly: boolean };
  readonly reason: string | null;
}

function readRequest({ method, url, headers }: IncomingMessage): Outcome<AskedConsole> {
  const { pathname, searchParams } = new URL(url ?? '/', 'https://kennel');
  const vm = nameIn(pathname);
  if (method !== 'GET' || vm === null || headers.upgrade !== protocol) {
    return problem(noSuchRoute(`${method} (upgrade to ${headers.upgrade})`, pathname));
  }
  const isSet = (key: string): boolean => searchParams.get(key) === 'true';
  const how = { force: isSet('force'), readOnly: isSet('readOnly') };
  const reason = searchParams.get('reason');
  return { kind: 'ok', value: { vm, how, reason } };
}

function nameIn(pathname: string): string | null {
  const name = /^\/v1\/vms\/([^/]{1,190})\/console$/.exec(pathname)?.[1];
  try {
    return name === undefined ? null : decodeURIComponent(name);
  } catch {
    // A percent sign and no byte: nobody is called like that.
    return null;
  }
}

function refuse(
  socket: TLSSocket,
  { env, service }: RouteContext,
  refusal: Problem,
  { url }: IncomingMessage,
): void {
  if (refusal.code === 'E_INTERNAL') env.log.error({ url }, 'a console met a defect');
  const leader = service.leader();
  const isElsewhere = refusal.code === 'E_NOT_LEADER' && leader !== null && !leader.isSelf;
  const body = JSON.stringify({ error: refusal });
  const head = [
    `HTTP/1.1 ${isElsewhere ? 307 : problemStatus[refusal.code]} Refused`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(isElsewhere ? [`Location: https://${leader.api}${url ?? '/'}`] : []),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
