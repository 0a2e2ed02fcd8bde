import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from './wait-until.ts';

/** Mount point of the cgroup v2 tree, also on a machine where v1 has the usual place; or null. */
export function controlGroupMount(): string | null {
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [, where, type] = line.split(' ');
    if (type === 'cgroup2' && where !== undefined) return where;
  }
  return null;
}

export function makeControlGroup(group: string): void {
  mkdirSync(group, { recursive: true });
}

function event(group: string, key: 'populated' | 'frozen'): boolean {
  try {
    return readFileSync(join(group, 'cgroup.events'), 'utf8').includes(`${key} 1`);
  } catch {
    return false;
  }
}

/** True while a process, not counting zombies, lives in the group or below it. */
export function populated(group: string): boolean {
  return event(group, 'populated');
}

export function frozen(group: string): boolean {
  return event(group, 'frozen');
}

/** Stops every process of the group at once. Returns when all stand still. */
export async function freezeGroup(group: string): Promise<void> {
  writeFileSync(join(group, 'cgroup.freeze'), '1');
  await waitUntil(`${group} is frozen`, () => frozen(group), { timeoutMs: 10_000 });
}

export async function thawGroup(group: string): Promise<void> {
  writeFileSync(join(group, 'cgroup.freeze'), '0');
  await waitUntil(`${group} is thawed`, () => !frozen(group), { timeoutMs: 10_000 });
}

/**
 * Kills everything in the group, frozen or not, and returns when nothing lives there.
 * The freeze flag is cleared, because it would stop whatever enters the group next.
 */
export async function killGroup(group: string): Promise<void> {
  if (!existsSync(group)) return;
  writeFileSync(join(group, 'cgroup.kill'), '1');
  await waitUntil(`${group} is empty`, () => !populated(group), { timeoutMs: 20_000 });
  writeFileSync(join(group, 'cgroup.freeze'), '0');
}

/** Process ids (of this pid namespace) directly in the group, not below it. */
export function groupProcesses(group: string): readonly number[] {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'utf8')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

/** Removes an empty group with all groups below it. Ok when it is absent. */
export async function removeControlGroup(group: string): Promise<void> {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeControlGroup(join(group, entry.name));
  }
  // The kernel frees the last process of a group a little after `populated` says 0.
  const remove = (): boolean => {
    try {
      rmdirSync(group);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
      throw error;
    }
  };
  await waitUntil(`${group} can be removed`, remove, { timeoutMs: 10_000 });
}

/**
 * The argument vector that enters `group` before it becomes `argv`: whatever the program starts
 * is in the group too, so that nothing outlives `killGroup`.
 */
export function inControlGroup(group: string, argv: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', 'echo 0 >"$0/cgroup.procs" && exec "$@"', group, ...argv];
}
