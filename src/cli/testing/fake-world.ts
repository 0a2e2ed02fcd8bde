import { problem } from '../../core/problem.ts';
import type { Outcome } from '../../core/problem.ts';
import type { Disk } from '../../env/disk.ts';
import type { Client } from '../../client/client.ts';
import { main } from '../main.ts';
import type { StartFunctions } from '../start-functions.ts';
import type { CliEnv, World } from '../world.ts';

/** A world of memory for tests: files, answers to questions, a clock that waiting moves. */
export interface FakeWorld extends World {
  readonly out: () => string;
  readonly errors: () => string;
  readonly questions: readonly string[];
  readonly files: Map<string, string>;
  /** What was started, with its options. */
  readonly started: readonly { readonly name: string; readonly options: unknown }[];
  readonly nowMs: () => number;
}

export interface FakeOptions {
  readonly client?: Partial<Client>;
  readonly files?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  /** Answers of a person at a terminal; without them there is no terminal. */
  readonly answers?: readonly string[];
  readonly input?: string;
  /** What is typed into a guest's console. */
  readonly keys?: readonly string[];
}

export function fakeWorld(options: FakeOptions = {}): FakeWorld {
  const written = { out: '', errors: '' };
  const questions: string[] = [];
  const started: { name: string; options: unknown }[] = [];
  const files = new Map(Object.entries(options.files ?? {}));
  const time = { ms: 1000 };
  const answers = [...(options.answers ?? [])];
  const start = <T>(name: string, value: T) => {
    return async (given: unknown): Promise<Outcome<T>> => {
      started.push({ name, options: given });
      return { kind: 'ok', value };
    };
  };
  return {
    out: () => written.out,
    errors: () => written.errors,
    questions,
    files,
    started,
    nowMs: () => time.ms,
    terminal: {
      isInteractive: options.answers !== undefined,
      isColored: false,
      size: null,
      write: (text) => {
        written.out += text;
      },
      writeError: (text) => {
        written.errors += text;
      },
      ask: async (question) => {
        questions.push(question);
        return answers.shift() ?? '';
      },
      writeBytes: (bytes) => {
        written.out += new TextDecoder().decode(bytes);
      },
      readKeys: (onBytes) => {
        for (const key of options.keys ?? []) onBytes(new TextEncoder().encode(key));
        return () => undefined;
      },
      readInput: async () => options.input ?? '',
    },
    variables: options.variables ?? {},
    homeDirectory: '/home/ann',
    workingDirectory: '/work',
    env: async () => fakeEnv(files, time),
    connect: async () => connected(options.client),
    start: async (): Promise<StartFunctions> => ({
      initCluster: start('initCluster', { clusterId: 'c-1', adminConfig: '/data/admin.yaml' }),
      joinManager: start('joinManager', {
        clusterId: 'c-1',
        number: 2,
        managers: ['10.0.0.10:7400', '10.0.0.12:7400'],
      }),
      rebuildManager: start('rebuildManager', {
        name: 'manager-2',
        was: 2,
        number: 4,
        setAside: '/data/store.damaged-2',
      }),
      runManager: start('runManager', null),
      backupStore: start('backupStore', 'a backup'),
      checkBackup: start('checkBackup', {
        clusterId: 'c-1',
        clusterName: 'prod',
        madeAt: '2026-01-01T00:00:00.000Z',
        driver: 'raft',
        epoch: 7,
        keys: 12,
        contentHash: 'abc',
      }),
      restoreStore: start('restoreStore', {
        clusterId: 'c-1',
        madeAt: '2026-01-01T00:00:00.000Z',
        driver: 'raft',
        keys: 12,
        contentHash: 'abc',
        epoch: 1_000_000_007,
        nodes: ['node-1', 'node-2'],
      }),
      migrateStore: start('migrateStore', {
        from: { driver: 'raft', keys: 12, contentHash: 'abc' },
        to: { driver: 'raft', keys: 12, contentHash: 'abc' },
        epoch: 7,
        old: '/data/store',
      }),
      joinAgent: start('joinAgent', { clusterId: 'c-1', managers: ['10.0.0.10:7401'] }),
      runAgent: start('runAgent', null),
      runOperator: start('runOperator', null),
    }),
  };
}

function connected(client: Partial<Client> | undefined): Outcome<Client> {
  if (client === undefined) {
    return problem({
      code: 'E_UNAVAILABLE',
      what: 'no manager answers',
      because: 'connection refused',
      so: 'nothing is known',
      try: [],
    });
  }
  // A call that a test did not foresee is undefined, and fails the test by throwing.
  return { kind: 'ok', value: { close: async () => {}, ...client } as Client };
}

/** Timers move the clock by their delay and fire once everything that is ready has run. */
function fakeEnv(files: Map<string, string>, time: { ms: number }): CliEnv {
  const disk: Partial<Disk> = {
    read: async (path) => {
      const text = files.get(path);
      return text === undefined ? null : new TextEncoder().encode(text);
    },
    replace: async (path, bytes) => {
      files.set(path, new TextDecoder().decode(bytes));
    },
    makeDirectory: async () => {},
  };
  return {
    clock: {
      monotonicMs: () => time.ms,
      boottimeMs: () => time.ms,
      wallIso: () => '2026-11-22T09:41:00.000Z',
    },
    timers: {
      after: (delayMs, action) => {
        time.ms += delayMs;
        setImmediate(action);
        return { cancel: () => {} };
      },
    },
    disk: disk as Disk,
    random: {
      uuid: () => '5b3f0000-0000-4000-8000-000000000001',
      fraction: () => 0.5,
    },
  };
}

export interface RunResult {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
  readonly world: FakeWorld;
}

/** Runs a command line as the program would: `kennel('vm ls', …)`; pass words with blanks as an array. */
export async function kennel(
  line: string | readonly string[],
  options: FakeOptions = {},
): Promise<RunResult> {
  const world = fakeWorld(options);
  const argv = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line;
  const code = await main(argv, world);
  return { code, out: world.out(), errors: world.errors(), world };
}

export function ok<T>(value: T): Outcome<T> {
  return { kind: 'ok', value };
}
