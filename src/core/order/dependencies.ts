import type { VmSpec } from '../model/vm.ts';

type Ordered = Pick<VmSpec, 'name' | 'after'>;

/** Names that a VM waits for. */
export function waitsFor({ after }: Ordered): readonly string[] {
  return (after ?? []).map((one) => one.vm);
}

/**
 * A cycle among VMs that wait for each other, from a VM back to it, by names; null = there is none.
 * Names without a VM wait for nobody.
 */
export function findCycle(vms: Iterable<Ordered>): readonly string[] | null {
  const byName = new Map([...vms].map((vm) => [vm.name, vm] as const));
  const done = new Set<string>();
  for (const start of byName.keys()) {
    const cycle = cycleFrom(start, byName, done);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** Depth first without recursion: a chain may be as long as there are VMs. */
function cycleFrom(
  start: string,
  byName: ReadonlyMap<string, Ordered>,
  done: Set<string>,
): readonly string[] | null {
  const path: { readonly name: string; readonly left: string[] }[] = [];
  const on = new Set<string>();
  const enter = (name: string): void => {
    const vm = byName.get(name);
    path.push({ name, left: vm === undefined ? [] : [...waitsFor(vm)] });
    on.add(name);
  };
  if (!done.has(start)) enter(start);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = top.left.shift();
    if (next === undefined) {
      path.pop();
      on.delete(top.name);
      done.add(top.name);
    } else if (on.has(next)) {
      const names = path.map((one) => one.name);
      return [...names.slice(names.indexOf(next)), next];
    } else if (!done.has(next)) {
      enter(next);
    }
  }
  return null;
}

/** Those that others wait for first, otherwise as they came. What is on a cycle comes last. */
export function inStartOrder<T>(items: readonly T[], specOf: (item: T) => Ordered): readonly T[] {
  const left = new Map(items.map((item) => [specOf(item).name, item] as const));
  const ordered: T[] = [];
  for (let before = -1; ordered.length !== before;) {
    before = ordered.length;
    for (const [name, item] of left) {
      if (waitsFor(specOf(item)).some((other) => left.has(other))) continue;
      ordered.push(item);
      left.delete(name);
    }
  }
  return [...ordered, ...left.values()];
}
