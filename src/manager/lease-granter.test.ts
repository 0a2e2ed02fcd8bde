import { describe, expect, test } from 'vitest';
import type { NodePhase } from '../core/model/node.ts';
import type { Leadership } from '../store/store.ts';
import { LeaseGranter } from './lease-granter.ts';
import { ObservationBook } from './observation-book.ts';
import type { Seed } from './testing/manager-world.ts';
import { fenceOperation, incarnationOf, onlineNode } from './testing/test-objects.ts';
import { put, writerBench } from './testing/writer-bench.ts';

const node = onlineNode('node-1');
const incarnation = incarnationOf('node-1');
const noReport = {
  sequence: 1,
  hypervisor: 'ok',
  domains: [],
  capacity: { memoryMiB: 1, vcpus: 1 },
  degraded: null,
  mending: null,
  leaving: null,
} as const;

async function leaseBench(...seeds: readonly Seed[]) {
  const it = await writerBench(...(seeds.length > 0 ? seeds : [node]));
  const book = new ObservationBook(it.world.clock);
  book.sessionOpened(node.id, incarnation, { ...noReport, domains: [] });
  /** Quorum rounds: when each began, and what ends it. */
  const rounds: { readonly begunMs: number; readonly end: (confirmed: boolean) => void }[] = [];
  let believes = true;
  const leadership: Leadership = {
    ...it.leadership,
    lost: it.leadership.lost,
    isValid: () => believes,
    confirm: () =>
      new Promise((resolve) => {
        rounds.push({ begunMs: it.world.clock.monotonicMs(), end: resolve });
      }),
    resign: () => it.leadership.resign(),
  };
  let newLeases = 0;
  const granter = new LeaseGranter({
    leadership,
    mirror: it.mirror,
    book,
    onNewLease: () => {
      newLeases += 1;
    },
  });
  const answers: string[] = [];
  const beat = (sequence: number, of = incarnation): void =>
    granter.heartbeat({
      node: node.id,
      incarnation: of,
      sequence,
      answer: (lease) => answers.push(`${sequence}:${lease ? 'lease' : 'none'}`),
    });
  const end = async (index: number, confirmed = true): Promise<void> => {
    rounds[index]?.end(confirmed);
    await it.world.run(1);
  };
  return {
    ...it,
    book,
    granter,
    rounds,
    answers,
    beat,
    end,
    newLeases: () => newLeases,
    lose: () => {
      believes = false;
    },
  };
}

describe('a lease', () => {
  test('is granted once a quorum has confirmed the leadership, and not before', async () => {
    const it = await leaseBench();
    it.beat(1);
    await it.world.run(1500);
    expect(it.answers).toEqual([]);
    expect(it.book.node(node.id).lastLeaseMs).toBeNull();
    await it.end(0);
    expect(it.answers).toEqual(['1:lease']);
    expect(it.book.node(node.id).lastLeaseMs).not.toBeNull();
  });

  test('needs a round that began after its heartbeat arrived: one under way does not count', async () => {
    const it = await leaseBench();
    it.beat(1);
    await it.world.run(10);
    it.beat(2);
    const arrivedMs = it.world.clock.monotonicMs();
    await it.end(0);
    expect(it.answers).toEqual(['1:lease']);
    expect(it.rounds).toHaveLength(2);
    expect(it.rounds[1]?.begunMs).toBeGreaterThanOrEqual(arrivedMs);
    await it.end(1);
    expect(it.answers).toEqual(['1:lease', '2:lease']);
  });

  test('M12: one round serves all heartbeats that wait', async () => {
    const it = await leaseBench();
    it.beat(0);
    for (let sequence = 1; sequence <= 500; sequence += 1) it.beat(sequence);
    await it.end(0);
    await it.end(1);
    expect(it.rounds).toHaveLength(2);
    expect(it.answers).toHaveLength(501);
    expect(it.answers.every((answer) => answer.endsWith(':lease'))).toBe(true);
  });

  test('M3: is not granted by a leader whose quorum does not confirm it', async () => {
    const it = await leaseBench();
    it.beat(1);
    await it.end(0, false);
    expect(it.answers).toEqual(['1:none']);
    expect(it.book.node(node.id).lastLeaseMs).toBeNull();
  });

  test('M2: is not granted after the loss of leadership, although the round had succeeded', async () => {
    const it = await leaseBench();
    it.beat(1);
    it.lose();
    await it.end(0);
    expect(it.answers).toEqual(['1:none']);
  });

  test('is not granted to an incarnation that is not the admitted one', async () => {
    const it = await leaseBench();
    it.beat(1, incarnationOf('node-1', 1, 2));
    await it.end(0);
    expect(it.answers).toEqual(['1:none']);
  });

  test('is not granted to a node that is not known', async () => {
    const it = await leaseBench(onlineNode('node-2'));
    it.beat(1);
    await it.end(0);
    expect(it.answers).toEqual(['1:none']);
  });

  test.each<[NodePhase, boolean]>([
    ['joining', false],
    ['online', true],
    ['fencing', false],
    ['blocked', false],
    ['fenced', false],
    ['quarantined', true],
  ])('of a node that is %s: %s', async (phase, granted) => {
    const it = await leaseBench(onlineNode('node-1', { phase }));
    it.beat(1);
    await it.end(0);
    expect(it.answers).toEqual([granted ? '1:lease' : '1:none']);
  });

  test('is decided by what is committed when the round ends, not when the heartbeat came', async () => {
    const it = await leaseBench();
    it.beat(1);
    const fence = fenceOperation(1, 'node-1');
    const fencing = onlineNode('node-1', { phase: 'fencing', fence: fence.id });
    await it.world.wait(it.writer.commit([put(fence), put(fencing)], []));
    await it.end(0);
    expect(it.answers).toEqual(['1:none']);
  });
});

describe('from the decision to fence on', () => {
  test('no lease of that incarnation is granted while the intent is being written', async () => {
    const it = await leaseBench();
    it.granter.withhold([incarnation.id]);
    it.beat(1);
    await it.end(0);
    expect(it.answers).toEqual(['1:none']);
  });

  test('the record tells again once the write is settled', async () => {
    const it = await leaseBench();
    it.granter.withhold([incarnation.id]);
    it.granter.stopWithholding();
    it.beat(1);
    await it.end(0);
    expect(it.answers).toEqual(['1:lease']);
  });

  test('other nodes keep theirs', async () => {
    const it = await leaseBench();
    it.granter.withhold([incarnationOf('node-2').id]);
    it.beat(1);
    await it.end(0);
    expect(it.answers).toEqual(['1:lease']);
  });
});

describe('a node that held no lease', () => {
  test('is told of once, when it gets one', async () => {
    const it = await leaseBench();
    for (let sequence = 0; sequence < 5; sequence += 1) {
      it.beat(sequence);
      await it.end(sequence);
      await it.world.run(500);
    }
    expect(it.newLeases()).toBe(1);
  });

  test('is told of again when its lease had run out', async () => {
    const it = await leaseBench();
    it.beat(1);
    await it.end(0);
    await it.world.run(6000);
    it.beat(2);
    await it.end(1);
    expect(it.newLeases()).toBe(2);
  });
});
