import { expect, test } from 'vitest';
import { nodeId } from '../core/model/ids.ts';
import { FakeLeading, hubBench } from './testing/hub-bench.ts';
import { incarnationOf } from './testing/test-objects.ts';

const boot = '22222222-2222-4222-8222-222222222222';

test('agents are told whom to probe, once all of a time have connected; others are told nothing', async () => {
  const it = await hubBench();
  it.hub.lead(new FakeLeading());
  const [one, two] = [
    await it.dial({ node: 'node-1', hello: { probePort: 7402 } }),
    await it.dial({ node: 'node-2', hello: { probePort: 7402 } }),
  ];
  const mute = await it.dial({ node: 'node-3', hello: { probePort: null } });
  const old = await it.dial({ node: 'node-4' });
  await it.world.run(1000);
  expect(one.peerLists.at(-1)).toMatchObject({
    epoch: 7,
    probeMs: 1000,
    peers: [{ name: 'node-2', address: '10.0.0.2:7402' }],
  });
  expect(two.peerLists.at(-1)?.peers).toEqual([{ name: 'node-1', address: '10.0.0.1:7402' }]);
  // It cannot be probed, and probes.
  expect(
    mute.peerLists
      .at(-1)
      ?.peers.map(({ name }) => name)
      .sort(),
  ).toEqual(['node-1', 'node-2']);
  expect(old.peerLists).toEqual([]);
});

test('what an agent saw is held with its age, and with what is certain of it', async () => {
  const it = await hubBench();
  const agent = await it.dial({ node: 'node-1', hello: { probePort: 7402 } });
  await it.world.run(2000);
  const atMs = it.world.clock.monotonicMs();
  agent.say({
    kind: 'sightings',
    acknowledged: null,
    nodes: [
      { node: 'node-2', bootId: boot, ageMs: 400 },
      { node: 'node-3', bootId: null, ageMs: null },
    ],
  });
  await it.world.run(100);
  const report = it.observe().peers.get(nodeId('node-1'));
  expect(report?.incarnation).toBe(incarnationOf('node-1').id);
  const sighting = report?.nodes.get(nodeId('node-2'));
  expect(sighting?.bootId).toBe(boot);
  expect(sighting?.atMs).toBeGreaterThanOrEqual(atMs - 400);
  expect(sighting?.atMs).toBeLessThan(atMs - 300);
  // The agent had got nothing but its welcome: it may have asked that early.
  expect(sighting?.certainMs).toBeLessThan(atMs - 2000);
  expect(report?.nodes.get(nodeId('node-3'))).toEqual({
    bootId: null,
    atMs: null,
    certainMs: null,
  });
});
