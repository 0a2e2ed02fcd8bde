import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import type { ProcessRequest, ProcessResult, Processes } from '../processes.ts';

/** How long a killed program may take to be gone before its caller is answered all the same. */
const afterKillMs = 1000;
/** How long output may still arrive after the program ended and its group was killed. */
const drainMs = 250;

/** Linux `__O_TMPFILE`, which Node does not name; it is used together with `O_DIRECTORY`. */
const unnamedFile = 0o20000000;
/** Memory-backed on every Linux, so that a secret on stdin never reaches a disk. */
const memoryDirectory = '/dev/shm';

type End =
  | { readonly kind: 'exit'; readonly code: number | null }
  | { readonly kind: 'notStarted'; readonly because: string }
  | { readonly kind: 'overdue' };

/**
 * Programs of the operating system, each in a process group of its own.
 *
 * When the program ends, times out or is aborted, its whole group is killed, so that nothing it
 * forked is left; only a process that started a session of its own escapes. Never rejects.
 */
export function realProcesses(): Processes {
  return { run };
}

async function run(request: ProcessRequest): Promise<ProcessResult> {
  if (request.signal?.aborted === true) return { kind: 'notStarted', because: 'aborted' };
  let child: Child;
  try {
    child = start(request);
  } catch (error) {
    return { kind: 'notStarted', because: messageOf(error) };
  }
  const stdout = new CappedText(child.stdout, request.maxOutputBytes);
  const stderr = new CappedText(child.stderr, request.maxOutputBytes);
  const { end, killedBecause } = await untilEnd(child, request);
  if (end.kind === 'notStarted') return end;
  child.kill('SIGKILL');
  await Promise.all([stdout.finish(), stderr.finish()]);
  const output = { stdout: stdout.text(), stderr: stderr.text() };
  if (end.kind === 'exit' && end.code !== null && killedBecause === null) {
    return { kind: 'exited', code: end.code, ...output };
  }
  return { kind: 'killed', because: killedBecause ?? 'signal', ...output };
}

type Child = ReturnType<typeof spawn>;

function spawn(request: ProcessRequest, stdin: number | 'ignore') {
  return execa(request.file, [...request.arguments], {
    // The types name the descriptors 3 to 9 only; any number is passed on as it is.
    stdio: [stdin as 3 | 'ignore', 'pipe', 'pipe'],
    buffer: false,
    reject: false,
    env: { ...request.environment },
    extendEnv: false,
    killDescendants: true,
    cwd: '/',
  });
}

function start(request: ProcessRequest): Child {
  if (request.input === '') return spawn(request, 'ignore');
  const stdin = openInput(request.input);
  try {
    return spawn(request, stdin);
  } finally {
    closeSync(stdin);
  }
}

/**
 * A file without a name, in memory, positioned at its start. Node would make stdin a socket, and a
 * socket cannot be opened as `/dev/stdin`, which is how ipmitool is made to read a password.
 */
function openInput(input: string): number {
  const file = openSync(
    memoryDirectory,
    unnamedFile | constants.O_DIRECTORY | constants.O_RDWR,
    0o600,
  );
  try {
    const bytes = Buffer.from(input, 'utf8');
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(file, bytes, written, bytes.length - written, written);
    }
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

async function untilEnd(
  child: Child,
  request: ProcessRequest,
): Promise<{ readonly end: End; readonly killedBecause: 'timeout' | 'aborted' | null }> {
  let killedBecause: 'timeout' | 'aborted' | null = null;
  let stopTimers = (): void => {};
  const end = await new Promise<End>((resolve) => {
    let overdue: NodeJS.Timeout | undefined;
    const kill = (because: 'timeout' | 'aborted'): void => {
      if (killedBecause !== null) return;
      killedBecause = because;
      child.kill('SIGKILL');
      // A process in uninterruptible sleep cannot be killed; its caller must not wait with it.
      overdue = setTimeout(() => resolve({ kind: 'overdue' }), afterKillMs);
    };
    const onAbort = (): void => kill('aborted');
    const deadline = setTimeout(() => kill('timeout'), request.timeoutMs);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    stopTimers = () => {
      clearTimeout(deadline);
      clearTimeout(overdue);
      request.signal?.removeEventListener('abort', onAbort);
    };
    child.nodeChildProcess.once('exit', (code) => resolve({ kind: 'exit', code }));
    void whenNotStarted(child, (because) => resolve({ kind: 'notStarted', because }));
  });
  stopTimers();
  return { end, killedBecause };
}

async function whenNotStarted(child: Child, tell: (because: string) => void): Promise<void> {
  const result = await child;
  if (child.pid === undefined) tell(result.originalMessage ?? 'could not be started');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Collects a stream up to a bound and goes on draining it beyond, so that the writer never blocks. */
class CappedText {
  readonly #stream: Readable;
  readonly #chunks: Buffer[] = [];
  readonly #closed: Promise<void>;
  #left: number;

  constructor(stream: Readable, maxBytes: number) {
    this.#stream = stream;
    this.#left = maxBytes;
    stream.on('data', (chunk: Buffer) => this.#add(chunk));
    this.#closed = new Promise((resolve) => {
      stream.on('error', () => resolve());
      stream.on('close', () => resolve());
    });
  }

  #add(chunk: Buffer): void {
    if (this.#left === 0) return;
    const kept = chunk.subarray(0, this.#left);
    this.#left -= kept.length;
    this.#chunks.push(kept);
  }

  /** Waits for the end of the stream, but not for a stranger that holds its other end. */
  async finish(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs);
    });
    await Promise.race([this.#closed, bound]);
    clearTimeout(timer);
    this.#stream.destroy();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
