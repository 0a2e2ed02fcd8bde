import { beforeEach, describe, expect, test } from 'vitest';
import { HostClock } from '../chaos/sim/clock.ts';
import { SimDisk } from '../chaos/sim/disk.ts';
import { makeHostEnv } from '../chaos/sim/host-env.ts';
import { LogRing } from '../chaos/sim/log.ts';
import { SimNetwork } from '../chaos/sim/network.ts';
import { SimPrograms } from '../chaos/sim/processes.ts';
import { randomFromSeed } from '../chaos/sim/random.ts';
import { SimProcess } from '../chaos/sim/sim-process.ts';
import { VirtualTime } from '../chaos/sim/virtual-time.ts';
import type { PeerList, Sightings } from '../src/api/schema/session.ts';
import type { PeerIdentity } from '../src/env/network.ts';
import { PeerProbes } from './peer-probes.ts';

const clusterId = '11111111-1111-4111-8111-111111111111';
const bootOf = (name: string): string =>
  `22222222-2222-4222-8222-${name.slice(-1).padStart(12, '0')}`;

let time: VirtualTime;
let network: SimNetwork;

interface Seat {
  readonly probes: PeerProbes;
  readonly process: SimProcess;
  readonly told: Sightings['nodes'][];
}

async function seat(
  name: string,
  change: { readonly boot?: string; readonly identity?: Partial<PeerIdentity> } = {},
): Promise<Seat> {
  const process = new SimProcess(time, `agent of ${name}`);
  const clock = new HostClock(time);
  clock.boot(1000);
  const env = makeHostEnv({
    time,
    process,
    host: name,
    identity: { clusterId, role: 'agent', name, fingerprint: name, ...change.identity },
    clock,
    network,
    disk: new SimDisk({
      timers: { after: (delayMs, run) => time.schedule(delayMs, run) },
      latencyMs: () => 0,
    }),
    random: randomFromSeed(1),
    log: new LogRing(time).from(name),
    programs: new SimPrograms(time),
  });
  const told: Sightings['nodes'][] = [];
  const probes = new PeerProbes({
    env,
    clusterId,
    bootId: change.boot ?? bootOf(name),
    listen: [{ host: name, port: 7402 }],
    onSightings: (nodes) => told.push(nodes),
    onPromiseAsk: (sequence) => Promise.resolve({ kind: 'promise', sequence, promised: false }),
  });
  await probes.listen();
  return { probes, process, told };
}

const list = (peers: readonly string[], epoch = 1): PeerList => ({
  kind: 'peers',
  clusterId,
  epoch,
  probeMs: 1000,
  peers: peers.map((name) => ({ name, address: `${name}:7402` })),
});

const lastOf = ({ told }: Seat, node: string) =>
  told.at(-1)?.find((sighting) => sighting.node === node);

beforeEach(() => {
  time = new VirtualTime();
  network = new SimNetwork(time, randomFromSeed(1));
});

describe('probes of other agents', () => {
  test('tell which boot answered, and how long ago it was asked', async () => {
    const one = await seat('n1');
    await seat('n2');
    one.probes.follow(list(['n2']));
    await time.runFor(10_000);
    expect(lastOf(one, 'n2')).toMatchObject({ bootId: bootOf('n2') });
    expect(lastOf(one, 'n2')?.ageMs).toBeLessThan(1001);
    expect(one.told.length).toBeGreaterThan(8);
  });

  test('W4: grow old when the other one is cut off, and young again when it is back', async () => {
    const one = await seat('n1');
    await seat('n2');
    one.probes.follow(list(['n2']));
    await time.runFor(5000);
    network.cutBoth('n1', 'n2');
    await time.runFor(20_000);
    expect(lastOf(one, 'n2')?.ageMs).toBeGreaterThan(19_000);
    network.healBoth('n1', 'n2');
    await time.runFor(15_000);
    expect(lastOf(one, 'n2')?.ageMs).toBeLessThan(1001);
  });

  test('a question that waited in a buffer makes no answer young', async () => {
    const one = await seat('n1');
    const two = await seat('n2');
    one.probes.follow(list(['n2']));
    await time.runFor(3200);
    two.process.pause('stopped');
    await time.runFor(3000);
    const before = lastOf(one, 'n2')?.ageMs ?? 0;
    two.process.resume('stopped');
    network.cut('n1', 'n2');
    await time.runFor(900);
    // What it answers now was asked before it stood still, at the latest when it came back.
    expect(lastOf(one, 'n2')?.ageMs).toBeGreaterThan(Math.min(before, 400));
  });

  test('tell of a node that never answered that none did', async () => {
    const one = await seat('n1');
    one.probes.follow(list(['n9']));
    await time.runFor(5000);
    expect(lastOf(one, 'n9')).toEqual({ node: 'n9', bootId: null, ageMs: null });
  });

  test('X: another machine at that address, or one of another cluster, is nobody', async () => {
    const one = await seat('n1');
    await seat('n2', { identity: { name: 'n3' } });
    await seat('n4', { identity: { clusterId: '33333333-3333-4333-8333-333333333333' } });
    one.probes.follow(list(['n2', 'n4']));
    await time.runFor(8000);
    expect(lastOf(one, 'n2')?.bootId).toBeNull();
    expect(lastOf(one, 'n4')?.bootId).toBeNull();
  });

  test('follow the newest list, and no list of an older leader', async () => {
    const one = await seat('n1');
    await seat('n2');
    await seat('n3');
    one.probes.follow(list(['n2'], 7));
    one.probes.follow(list(['n3'], 6));
    await time.runFor(3000);
    expect(one.told.at(-1)?.map(({ node }) => node)).toEqual(['n2']);
    one.probes.follow(list(['n3'], 8));
    await time.runFor(3000);
    expect(one.told.at(-1)?.map(({ node }) => node)).toEqual(['n3']);
  });

  test('an agent whose port is taken is not probed, and runs all the same', async () => {
    const one = await seat('n1');
    const again = await seat('n1');
    expect(one.probes.port).toBe(7402);
    expect(again.probes.port).toBeNull();
  });

  test('end with the agent', async () => {
    const one = await seat('n1');
    await seat('n2');
    one.probes.follow(list(['n2']));
    await time.runFor(3000);
    await one.probes.stop();
    const before = one.told.length;
    await time.runFor(5000);
    expect(one.told).toHaveLength(before);
  });
});
