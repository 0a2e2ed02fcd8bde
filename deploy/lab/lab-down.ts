import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './command.ts';
import { controlGroupMount, killGroup, populated, removeControlGroup } from './control-group.ts';
import { cpuController, ownCpuGroup } from './cpu-share.ts';
import { recordIfReadable } from './lab-record.ts';
import type { LabLayout } from './layout.ts';
import { signalProcess } from './process-identity.ts';

export type DownReport =
  | { readonly kind: 'alreadyDown' }
  | { readonly kind: 'down'; readonly removed: readonly string[] };

/** What a lab puts into its directory; `lab.json` goes last. */
const contents = ['kennel', 'nodes', 'bmc', 'storage', 'etcd', 'log', 'lab.json.new', 'lab.json'];
/** What it puts there for each manager but the first, or for each that is cut off. */
const ofManagers = /^(kennel|cut-manager)-\d+$/;

function namespaces(id: string): readonly string[] {
  if (!existsSync('/run/netns')) return [];
  return readdirSync('/run/netns').filter((name) => name.startsWith(`${id}-`));
}

/**
 * Removes everything of a lab, whatever state it is in: killed half-way up, frozen, or with its
 * record lost. All processes of a lab live below one control group and all its names begin with
 * its id, so nothing is looked for by the name of a program. Call it with the lab's lock held.
 */
export async function takeDown(layout: LabLayout): Promise<DownReport> {
  const removed: string[] = [];
  const record = recordIfReadable(layout.directory);
  const mount = controlGroupMount();
  const group = record?.group ?? (mount === null ? null : join(mount, layout.id));
  if (group !== null && existsSync(group)) {
    if (populated(group)) removed.push('all processes');
    await killGroup(group);
    await removeControlGroup(group);
    removed.push(`control group ${group}`);
    const cpu = cpuController(readFileSync('/proc/self/mounts', 'utf8'));
    const own = cpu === null ? null : ownCpuGroup(cpu, group);
    if (own !== null) await removeControlGroup(own);
  }
  for (const process of record?.processes ?? []) {
    // Only a process that was moved out of its group by hand can still be there.
    if (process.identity !== null) signalProcess(process.identity, 'SIGKILL');
  }
  for (const namespace of namespaces(layout.id)) {
    await mustRun(['ip', 'netns', 'del', namespace]);
    removed.push(`network namespace ${namespace}`);
  }
  for (const where of mountsBelow(layout.directory)) {
    await mustRun(['umount', where]);
    removed.push(`mount ${where}`);
  }
  if (existsSync(layout.directory)) {
    for (const name of contentsOf(layout.directory)) {
      rmSync(join(layout.directory, name), { recursive: true, force: true });
      removed.push(join(layout.directory, name));
    }
    if (readdirSync(layout.directory).length === 0) rmdirSync(layout.directory);
  }
  return removed.length === 0 ? { kind: 'alreadyDown' } : { kind: 'down', removed };
}

/** Mount points in the lab's directory, the innermost first. */
function mountsBelow(directory: string): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((where) => where.startsWith(`${directory}/`))
    .reverse();
}

function contentsOf(directory: string): readonly string[] {
  const present = readdirSync(directory);
  const managers = present.filter((name) => ofManagers.test(name));
  return [...managers, ...contents.filter((name) => present.includes(name))];
}

/** True when a directory holds nothing, or nothing but what a lab puts there. */
export function holdsOnlyLab(directory: string): boolean {
  if (!existsSync(directory)) return true;
  return readdirSync(directory).every((name) => contents.includes(name) || ofManagers.test(name));
}
