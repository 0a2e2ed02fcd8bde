import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { frozen, inControlGroup, killGroup, makeControlGroup, populated } from './control-group.ts';
import { removeControlGroup } from './control-group.ts';
import type { LabBook } from './lab-book.ts';
import { LabError } from './lab-error.ts';
import type { LabProcessRecord } from './lab-record.ts';
import { alive, identify } from './process-identity.ts';
import { toolPath } from './tool-path.ts';

/** What to run outside the nodes, in one of the lab's network namespaces. */
export interface LabProcessRequest {
  /** Unique in the lab; lower-case letters, digits and dashes. */
  readonly name: string;
  readonly argv: readonly string[];
  /** Added to the environment of the lab command. */
  readonly env?: Readonly<Record<string, string>>;
  readonly namespace: string;
}

export type LabProcessState = 'running' | 'frozen' | 'dead';

export function findProcess(book: LabBook, name: string): LabProcessRecord | null {
  return book.record().processes.find((process) => process.name === name) ?? null;
}

/** @throws LabError LAB_NO_PROCESS when the lab never started a process of that name. */
export function requireProcess(book: LabBook, name: string): LabProcessRecord {
  const found = findProcess(book, name);
  if (found !== null) return found;
  throw new LabError(
    'LAB_NO_PROCESS',
    `process ${name}`,
    'this lab has not started it',
    'see `kennel lab status`',
  );
}

export function processState(process: LabProcessRecord): LabProcessState {
  if (process.identity === null || !alive(process.identity)) return 'dead';
  return frozen(process.group) ? 'frozen' : 'running';
}

export function readLog(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/**
 * Starts a process that outlives this command. It is recorded, and its control group made, before
 * it exists. Call it with the lab's lock held.
 *
 * @throws LabError LAB_PROCESS when one of that name runs, or when it could not be started.
 */
export async function startProcess(
  book: LabBook,
  request: LabProcessRequest,
): Promise<LabProcessRecord> {
  const { layout } = book;
  const { name } = request;
  const group = join(book.record().group, `process-${name}`);
  if (!/^[a-z][a-z0-9-]*$/.test(name) || populated(group)) {
    throw new LabError(
      'LAB_PROCESS',
      `process ${name}`,
      populated(group) ? 'it is running' : 'not a name of letters, digits and dashes',
      'choose another name, or kill the one that runs',
    );
  }
  makeControlGroup(group);
  mkdirSync(join(layout.directory, 'log'), { recursive: true });
  const planned: LabProcessRecord = {
    name,
    argv: [...request.argv],
    env: { ...request.env },
    namespace: request.namespace,
    group,
    log: join(layout.directory, 'log', `${name}.log`),
    identity: null,
  };
  const put = (entry: LabProcessRecord): LabProcessRecord => {
    book.change((record) => ({
      ...record,
      processes: [...record.processes.filter((process) => process.name !== name), entry],
    }));
    return entry;
  };
  put(planned);
  return put({ ...planned, identity: await launch(planned) });
}

async function launch(process: LabProcessRecord): Promise<LabProcessRecord['identity']> {
  const inNamespace = ['nsenter', `--net=/run/netns/${process.namespace}`, '--', ...process.argv];
  const [file = '', ...rest] = inControlGroup(process.group, inNamespace);
  const log = openSync(process.log, 'a', 0o600);
  try {
    const child = spawn(file, rest, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log, log],
      env: { ...globalThis.process.env, PATH: toolPath(), ...process.env },
    });
    await once(child, 'spawn');
    child.unref();
    return child.pid === undefined ? null : identify(child.pid);
  } finally {
    closeSync(log);
  }
}

/** Ends a process and forgets it, with its log. Ok when there is none. Call it with the lock held. */
export async function endProcess(book: LabBook, name: string): Promise<void> {
  const found = findProcess(book, name);
  if (found === null) return;
  await killProcess(found);
  await removeControlGroup(found.group);
  rmSync(found.log, { force: true });
  book.change((record) => ({
    ...record,
    processes: record.processes.filter((process) => process.name !== name),
  }));
}

export async function killProcess(process: LabProcessRecord): Promise<void> {
  await killGroup(process.group);
}
