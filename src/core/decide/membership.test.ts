import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import type { WatchdogAttestation } from '../model/node.ts';
import { TestWorld, incarnationOf } from '../testing/world.ts';

const watchdog: WatchdogAttestation = {
  identity: 'i6300ESB timer',
  strength: 'strong',
  timeoutMs: 5000,
  measuredMs: 5200,
  nowayout: true,
  pretimeoutMs: 0,
  held: true,
};
const names = ['n1', 'n2', 'n3'];

describe('the nodes that count for peer hold', () => {
  let world: TestWorld;

  beforeEach(() => {
    world = new TestWorld();
    for (const name of names) world.addNode(name);
  });

  /** What the agent of a node says of its watchdog, and of the membership that it uses. */
  const report = (name: string, mark: string | null, by: WatchdogAttestation | null): void => {
    const seen = world.seen.get(nodeId(name));
    if (seen?.report == null) throw new Error(`${name} was never connected`);
    const peerHold = mark === null ? null : { mark, held: false };
    world.seen.set(nodeId(name), {
      ...seen,
      report: { ...seen.report, watchdog: by, peerHold },
    });
  };
  const acknowledge = (mark: string, ...by: readonly string[]): void => {
    for (const name of by) report(name, mark, watchdog);
    world.settle();
  };
  const members = (): readonly string[] => world.membership.members.map(({ node }) => node);

  it('are none while no node fences itself', () => {
    world.settle();
    expect(world.membership.number).toBe(0);
  });

  it('are all admitted ones once one of them fences itself', () => {
    report('n1', null, watchdog);
    world.settle();
    expect(members()).toEqual(names);
    expect(world.membership.mark).toBe('1.1');
  });

  it('are none when it is switched off, and earlier ones are remembered until all know', () => {
    report('n1', null, watchdog);
    world.settle();
    acknowledge('1.1', ...names);
    world.settings = { ...world.settings, peerHold: false };
    world.settle();
    expect(members()).toEqual([]);
    expect(world.membership.earlier).toEqual([{ mark: '1.1', nodes: names }]);
    acknowledge('1.2', 'n1', 'n2');
    expect(world.membership.earlier).toHaveLength(1);
    acknowledge('1.2', 'n3');
    expect(world.membership.earlier).toEqual([]);
  });

  it('are one more when a node is admitted, which counts beside those before', () => {
    report('n1', null, watchdog);
    world.settle();
    world.addNode('n4');
    world.settle();
    expect(members()).toEqual([...names, 'n4']);
    expect(world.membership.earlier.map(({ mark }) => mark)).toEqual(['1.1']);
  });

  describe('against one that is silent', () => {
    const n1 = nodeId('n1');
    /** The others are heard throughout, and confirm their leases as they are told to. */
    const pass = (ms: number, ...confirming: readonly string[]): void => {
      for (let passedMs = 0; passedMs < ms; passedMs += 500) {
        world.nowMs += 500;
        world.beat('n2', 'n3');
        for (const name of confirming) {
          const known = world.confirmed.get(nodeId(name)) ?? [];
          const last = known.at(-1);
          const joins = last !== undefined && last.untilMs >= world.nowMs;
          const untilMs = world.nowMs + 2000;
          world.confirmed.set(
            nodeId(name),
            joins
              ? [...known.slice(0, -1), { ...last, untilMs }]
              : [...known, { fromMs: world.nowMs, untilMs }],
          );
        }
        world.settle();
      }
    };
    const proof = (): string | undefined => world.onlyFence().proof?.kind;

    beforeEach(() => {
      for (const name of names) report(name, null, watchdog);
      world.settle();
      acknowledge('1.1', ...names);
      world.addRunningVm('db', 'n1');
      world.leaseGrantedMs.set(n1, world.nowMs);
    });

    it('are committed with its incarnation, once it has acknowledged them', () => {
      expect(world.nodes.get(n1)?.incarnation).toEqual({
        ...incarnationOf('n1'),
        isolation: 'selfFencing',
        watchdog,
        membership: '1.1',
      });
    });

    it('prove it dead by time while both of them confirm their leases', () => {
      pass(23_000, 'n2', 'n3');
      expect(proof()).toBeUndefined();
      pass(1500, 'n2', 'n3');
      expect(proof()).toBe('selfFence');
    });

    it('prove nothing while one of them may hold it', () => {
      pass(60_000, 'n2');
      expect(proof()).toBeUndefined();
      pass(23_000, 'n2', 'n3');
      expect(proof()).toBeUndefined();
      pass(1500, 'n2', 'n3');
      expect(world.onlyFence().proof).toMatchObject({
        kind: 'selfFence',
        countedFrom: 'majority',
      });
    });
  });
});
