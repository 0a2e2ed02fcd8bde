import { expect, test } from 'vitest';
import { AgentWorld, testCluster } from './testing/agent-world.ts';
import type { FakeManager } from './testing/fake-manager.ts';

interface Told {
  readonly epoch?: number;
  readonly version?: number;
}

/** The leader tells that these are the managers: name and host, all on one port. */
function tell(leader: FakeManager, managers: readonly [string, string][], told: Told = {}): void {
  leader.send({
    kind: 'managers',
    clusterId: testCluster,
    epoch: told.epoch ?? leader.epoch,
    version: told.version ?? 1,
    managers: managers.map(([name, host]) => ({ name, address: `${host}:7000` })),
  });
}

const hosts = (world: AgentWorld): string[] =>
  (world.agent?.status().sessions ?? []).map((session) => session.address.host).sort();

/** An agent that was configured with the first of two managers only. */
async function withOneOfTwo() {
  const world = await AgentWorld.ready();
  const second = await world.addManager();
  return { world, first: world.manager, second };
}

test('a manager that joins gets a warm session, and the node is not touched', async () => {
  const { world, first, second } = await withOneOfTwo();
  expect(first.hellos[0]?.roster).toBeNull();
  tell(first, [
    ['mgr-1', 'mgr-1'],
    ['mgr-2', 'mgr-2'],
  ]);
  await world.until(() => second.heartbeats.length > 2);
  expect(second.hellos[0]?.roster).toEqual({ epoch: first.epoch, version: 1 });
  expect(first.hellos).toHaveLength(1);
});

test('the list outlives the agent: its next start dials them all by itself', async () => {
  const { world, first, second } = await withOneOfTwo();
  tell(first, [
    ['mgr-1', 'mgr-1'],
    ['mgr-2', 'mgr-2'],
  ]);
  await world.until(() => second.heartbeats.length > 0);
  await world.wait(world.agent?.stop() ?? Promise.resolve());
  await world.start({ managers: [{ host: 'mgr-1', port: 7000 }] });
  await world.until(() => second.hellos.length === 2);
  expect(hosts(world)).toEqual(['mgr-1', 'mgr-2']);
});

test('U9: the old address of a manager is dropped only when its new one answers', async () => {
  const { world, first } = await withOneOfTwo();
  tell(first, [[first.name, 'elsewhere']]);
  await world.time.runFor(20_000);
  expect(hosts(world)).toEqual(['elsewhere', 'mgr-1']);
  expect(first.connected).toBe(true);
  tell(first, [[first.name, 'mgr-2']], { version: 2 });
  await world.until(() => hosts(world).join() === 'mgr-2', 30_000);
});

test('a manager that is gone from the list is let go while another one answers', async () => {
  const world = await AgentWorld.ready({ managers: 2 });
  const [first, second] = world.managers;
  if (first === undefined || second === undefined) throw new Error('no managers');
  tell(first, [['mgr-1', 'mgr-1']]);
  await world.until(() => hosts(world).join() === 'mgr-1');
  await world.until(() => !second.connected);
  expect(first.connected).toBe(true);
});

test('X2: an older list, or one of an older leader, changes nothing', async () => {
  const { world, first } = await withOneOfTwo();
  tell(first, [['mgr-1', 'mgr-1']], { version: 7 });
  await world.time.runFor(100);
  tell(
    first,
    [
      ['mgr-1', 'mgr-1'],
      ['mgr-2', 'mgr-2'],
    ],
    { version: 6 },
  );
  tell(first, [['mgr-2', 'mgr-2']], { epoch: first.epoch - 1, version: 8 });
  await world.time.runFor(2000);
  expect(hosts(world)).toEqual(['mgr-1']);
});

test('M7: the list of a newer leader counts although its version is lower', async () => {
  const { world, first, second } = await withOneOfTwo();
  tell(first, [['mgr-1', 'mgr-1']], { version: 7 });
  await world.time.runFor(100);
  first.epoch += 1;
  tell(
    first,
    [
      ['mgr-1', 'mgr-1'],
      ['mgr-2', 'mgr-2'],
    ],
    { version: 2 },
  );
  await world.until(() => second.heartbeats.length > 0);
  expect(hosts(world)).toEqual(['mgr-1', 'mgr-2']);
});
