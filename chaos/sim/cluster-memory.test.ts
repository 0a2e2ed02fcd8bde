import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { SimCluster } from './cluster.ts';

/** The collector, which Node keeps to itself. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

async function playedOut(store: 'memory' | 'raft'): Promise<WeakRef<SimCluster>> {
  const cluster = new SimCluster({ seed: 1, managers: 3, nodes: 2, store });
  await cluster.start();
  const { time } = cluster.world;
  await time.runUntil(() => cluster.leaders().length === 1, 30_000);
  // Its code waits for ever for what will never come.
  cluster.leaders()[0]?.machine.powerOff();
  await time.runFor(5000);
  return new WeakRef(cluster);
}

/*
 * A campaign plays thousands of clusters in one process. Node keeps some things alive by itself, for
 * example `AbortSignal.any` as long as somebody listens: one of them holds its whole cluster.
 */
test.each(['memory', 'raft'] as const)(
  'a cluster on a %s store that is over is gone from memory',
  async (store) => {
    const collect = collector();
    const over = await playedOut(store);
    for (let turn = 0; turn < 10 && over.deref() !== undefined; turn += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      collect();
    }
    expect(over.deref()).toBeUndefined();
  },
);
