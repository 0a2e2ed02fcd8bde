import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupProcesses } from '../../deploy/lab/control-group.ts';
import type { Lab } from '../../deploy/lab/lab.ts';
import { identify } from '../../deploy/lab/process-identity.ts';
import type { Ground, PermitFact } from '../checkers/history.ts';

/** One QEMU process, as the kernel of the machine beneath shows it. */
export interface SeenDomain {
  readonly node: string;
  /** libvirt's UUID, which is the id of the VM. */
  readonly vm: string;
  /** Tells this very process from any other. */
  readonly process: string;
  /** From the domain's metadata in libvirt's own file; null = none: somebody's hand started it. */
  readonly permit: PermitFact | null;
}

/** One look at what is physically so. */
export interface Sample {
  readonly atMs: number;
  /** Boot id of each node's running kernel, frozen or not; null = none runs. */
  readonly boots: ReadonlyMap<string, string | null>;
  readonly domains: readonly SeenDomain[];
}

/** Looks at control groups, process tables and libvirt's files. Asks neither libvirt nor Kennel. */
export function lookAtGround(lab: Lab, atMs: number): Sample {
  const boots = new Map<string, string | null>();
  const domains: SeenDomain[] = [];
  for (const node of lab.nodes()) {
    const { name, directory, group } = node;
    const on = node.power() !== 'off' && existsSync(join(directory, 'ready'));
    boots.set(name, on ? node.bootId() : null);
    for (const pid of groupProcesses(group)) {
      const found = qemuOf(pid);
      const identity = found === null ? null : identify(pid);
      if (found === null || identity === null) continue;
      const permit = permitOf(join(directory, 'run', 'qemu', `${found.name}.xml`));
      const process = `${identity.pid}.${identity.startTicks}`;
      domains.push({ node: name, vm: found.vm, process, permit });
    }
  }
  return { atMs, boots, domains };
}

/** Name and UUID of the domain that a process is; null for any other process. */
export function qemuOf(pid: number): { readonly name: string; readonly vm: string } | null {
  let words: readonly string[];
  try {
    words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return null; // it has just ended
  }
  if (words[0]?.includes('qemu-system') !== true) return null;
  const vm = words[words.indexOf('-uuid') + 1];
  const name = words.find((word) => word.startsWith('guest='))?.slice('guest='.length);
  if (vm === undefined || name === undefined) return null;
  return { name: name.replace(/,.*/, ''), vm };
}

function permitOf(file: string): PermitFact | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const [element] = /<[\w:]*permit\b[^>]*>/.exec(text) ?? [];
  if (element === undefined) return null;
  const attribute = (name: string): string =>
    new RegExp(`\\b${name}=["']([^"']*)["']`).exec(element)?.[1] ?? '';
  return {
    vm: attribute('vm'),
    node: attribute('node'),
    incarnation: attribute('incarnation'),
    token: Number(attribute('token')),
  };
}

/**
 * What was so all the time between two looks: what both show. So a fact that lies between them is
 * never judged by something that began or ended in the meantime.
 *
 * @param sinceMs when each process was seen first.
 */
export function groundBetween(
  before: Sample,
  after: Sample,
  sinceMs: (process: string) => number,
): Ground {
  const boots = new Map(
    [...after.boots].map(([node, boot]) => [node, before.boots.get(node) === boot ? boot : null]),
  );
  const lasting = lastingDomains(before, after);
  return {
    boots,
    liveOn: (vm) =>
      lasting
        .filter((one) => one.vm === vm)
        .map((one) => ({
          node: one.node,
          token: one.permit?.token ?? null,
          sinceMs: sinceMs(one.process),
        })),
    liveAt: (node) =>
      lasting
        .filter((one) => one.node === node)
        .map((one) => ({ vm: one.vm, sinceMs: sinceMs(one.process) })),
  };
}

/** Processes that both looks show, as the second one shows them. */
export function lastingDomains(before: Sample, after: Sample): readonly SeenDomain[] {
  const known = new Set(before.domains.map((one) => one.process));
  return after.domains.filter((one) => known.has(one.process));
}
