import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimCluster } from './cluster.ts';

interface Run {
  readonly hash: string;
  readonly events: number;
  readonly log: readonly string[];
}

/** A cluster under random faults, all of them drawn from the seed. */
async function faultyRun(seed: number): Promise<Run> {
  const cluster = new SimCluster({ seed, managers: 3, nodes: 3, bootMs: 8000 });
  const { time, network, log, random } = cluster.world;
  const draw = random.split('faults');
  await cluster.start();
  await cluster.createVm('vm-1');
  for (let fault = 0; fault < 6; fault += 1) {
    const node = draw.pick(cluster.nodes);
    const manager = draw.pick(cluster.managers);
    const lastsMs = draw.between(100, 6000);
    const faults: readonly (() => void)[] = [
      () => node.machine.reset(),
      () => node.machine.crashAgent(),
      () => manager.machine.crash('manager'),
      () => {
        node.machine.freeze();
        time.schedule(lastsMs, () => node.machine.thaw());
      },
      () => {
        network.isolate(node.name);
        time.schedule(lastsMs, () => network.healAll());
      },
      () => {
        const { process } = manager;
        process?.beforeEffect(1 + draw.below(10), () => process.pause('stopped'));
        time.schedule(lastsMs, () => process?.resume('stopped'));
      },
    ];
    draw.pick(faults)();
    await time.runFor(draw.between(500, 5000));
  }
  await time.runFor(5000);
  return { hash: time.hash(), events: time.executed, log: log.lines() };
}

test('a seed run twice is the same run, event for event and line for line', async () => {
  const hashes = new Map<number, string>();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 1_000_000 }), async (seed) => {
      const first = await faultyRun(seed);
      const second = await faultyRun(seed);
      expect(second).toEqual(first);
      hashes.set(seed, first.hash);
    }),
    { numRuns: 8 },
  );
  expect(new Set(hashes.values()).size).toBe(hashes.size);
});
