import { describe, expect, test } from 'vitest';
import { statusViewSchema, failoverViewSchema } from '../../api/schema/views.ts';
import { findingCodes } from '../../core/explain/finding-codes.ts';
import { problemCodes } from '../../core/problem.ts';
import { domainOf, type FakeAgent } from '../testing/fake-agent.ts';
import { ManagerWorld, type ManagerSeat } from '../testing/manager-world.ts';
import {
  fenceOperation,
  failoverRecord,
  nodeRecord,
  onlineNode,
  runningVm,
  vmRecord,
} from '../testing/test-objects.ts';

/** Three nodes, each with a running VM of the same number. */
async function clusterBench(options: { readonly leaseMs?: number } = {}) {
  const world = new ManagerWorld(options);
  const names = ['node-1', 'node-2', 'node-10'];
  await world.seed(
    ...names.map((name) => onlineNode(name)),
    ...names.map((name, index) => runningVm(index + 1, name)),
  );
  const devices = names.map((name) => world.fencing.add(name));
  const seat = await world.lead();
  const agents: FakeAgent[] = [];
  for (const [index, node] of names.entries()) {
    const { permit } = runningVm(index + 1, node);
    if (permit === null) throw new Error('no permit');
    agents.push(await world.agent({ node, domains: [domainOf(`vm-${index + 1}`, permit)] }));
  }
  await world.until(() => agents.every((agent) => agent.leases > 0));
  return { world, seat, agents, devices };
}

/** `node-1` loses power; resolves when its VM runs elsewhere. */
async function failedOver() {
  const it = await clusterBench();
  const [device] = it.devices;
  if (device !== undefined) device.power = 'off';
  it.agents[0]?.process.kill('powerLoss');
  await it.world.until(() => it.world.eventCodes().includes('FAILOVER_COMPLETED'), 30_000);
  return it;
}

describe('the status', () => {
  test('of a healthy cluster is healthy, sorted as people count, and of the documented form', async () => {
    const it = await clusterBench();
    const status = await it.world.ask(it.seat, (service) => service.status());
    expect(statusViewSchema.parse(status)).toEqual(status);
    expect(status).toMatchObject({ health: 'healthy', leader: 'm-1', findings: [] });
    expect(status.nodes.map((node) => node.name)).toEqual(['node-1', 'node-2', 'node-10']);
    expect(status.vms.map((vm) => vm.state)).toEqual(['running', 'running', 'running']);
    expect(status.nodes[0]).toMatchObject({
      state: 'online',
      hypervisor: 'ok',
      vms: 1,
      used: { memoryMiB: 512, vcpus: 1 },
      readiness: ['power'],
      leaseMs: expect.any(Number),
    });
  });

  test('says what is wrong, the worst first', async () => {
    const it = await clusterBench();
    it.devices[0]?.calls.splice(0);
    it.agents[0]?.process.kill('powerLoss');
    await it.world.until(() => it.world.objects('fence/').length === 1, 30_000);
    await it.world.run(300);
    const status = await it.world.ask(it.seat, (service) => service.status());
    expect(statusViewSchema.parse(status)).toEqual(status);
    expect(status.health).toBe('degraded');
    expect(status.findings[0]).toMatchObject({
      code: 'FENCE_PENDING',
      severity: 'critical',
      subject: 'node-1',
      text: expect.stringContaining('waiting: vm-1'),
    });
    expect(status.nodes[0]).toMatchObject({ state: 'fencing', fence: { id: 'F-1' } });
    expect(status.vms[0]).toMatchObject({ state: 'waitingProof' });
    await it.world.wait(it.seat.manager.stop());
  });

  test('M8: says that the store takes no writes', async () => {
    const it = await clusterBench();
    it.world.store.setReadOnly('no space left');
    const status = await it.world.ask(it.seat, (service) => service.status());
    expect(status.findings).toEqual([
      {
        code: 'STORE_READ_ONLY',
        severity: 'critical',
        subject: '',
        text: 'no space left',
        try: ['free space on the disk of the data directory'],
      },
    ]);
  });

  test('M4: without a quorum it says how old it is; all other reads are refused', async () => {
    const it = await clusterBench({ leaseMs: 4000 });
    it.world.store.cut('m-1');
    await it.world.run(10_000);
    const status = await it.world.ask(it.seat, (service) => service.status());
    expect(status).toMatchObject({ health: 'noQuorum', leader: null, vms: { length: 3 } });
    expect(status.ageMs).toBeGreaterThan(8000);
    expect(status.findings[0]).toMatchObject({ code: 'NO_QUORUM', severity: 'critical' });
    const refusals = [
      await it.world.refused(it.seat, (service) => service.node('node-1')),
      await it.world.refused(it.seat, (service) => service.failovers()),
    ];
    expect(refusals.map((refusal) => refusal.code)).toEqual(['E_UNAVAILABLE', 'E_UNAVAILABLE']);
  });
});

describe('a failover', () => {
  test('N1: leaves a record with every step, of the documented form', async () => {
    const it = await failedOver();
    expect(it.devices[0]?.count('off')).toBe(0);
    const [record] = await it.world.ask(it.seat, (service) => service.failovers());
    expect(failoverViewSchema.parse(record)).toEqual(record);
    expect(record).toMatchObject({
      id: 'FO-1',
      node: 'node-1',
      outcome: 'completed',
      proof: { kind: 'powerOff' },
      vms: [{ name: 'vm-1', from: 'node-1', failure: null }],
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const { lastSeenAt, detectedAt, intentAt, provenAt, closedAt, firstOffAt } = record ?? {};
    const steps = [lastSeenAt, detectedAt, intentAt, firstOffAt, provenAt, closedAt];
    const times = steps.map((time) => Date.parse(time ?? 'never'));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times).not.toContain(Number.NaN);
    expect(await it.world.ask(it.seat, (service) => service.failover('FO-1'))).toEqual(record);
  });

  test('that is not kept is not found', async () => {
    const it = await clusterBench();
    expect(await it.world.refused(it.seat, (service) => service.failover('FO-9'))).toMatchObject({
      code: 'E_NOT_FOUND',
    });
  });

  test('failovers are listed by number', async () => {
    const world = new ManagerWorld();
    const numbers = [2, 10, 1];
    await world.seed(
      ...numbers.map((number) => failoverRecord(number, 'node-1', { outcome: 'cancelled' })),
    );
    const seat = await world.lead();
    const listed = await world.ask(seat, (service) => service.failovers());
    expect(listed.map((record) => record.id)).toEqual(['FO-1', 'FO-2', 'FO-10']);
  });
});

describe('metrics', () => {
  const read = async (seat: ManagerSeat) => {
    const text = await seat.manager.service.metrics();
    const value = (name: string): number | null => {
      const line = text.split('\n').find((one) => one.startsWith(`${name} `));
      return line === undefined ? null : Number(line.slice(name.length + 1));
    };
    return { text, value };
  };

  test('count nodes, VMs and findings of a leader by state', async () => {
    const it = await clusterBench();
    const { value } = await read(it.seat);
    expect(value('kennel_leading')).toBe(1);
    expect(value('kennel_epoch')).toBeGreaterThan(0);
    expect(value('kennel_nodes{state="online"}')).toBe(3);
    expect(value('kennel_vms{state="running"}')).toBe(3);
    expect(value('kennel_decisions_total')).toBeGreaterThan(0);
    expect(value('kennel_commit_seconds_count')).toBeGreaterThan(0);
  });

  test('are of the form that Prometheus reads', async () => {
    const it = await clusterBench();
    const { text } = await read(it.seat);
    for (const line of text.trim().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) kennel_\w+ .+|kennel_\w+(\{.*\})? [-+.e\d]+(Inf)?|)$/);
    }
  });

  test('tell how long each VM of a failed node was away, once', async () => {
    const it = await failedOver();
    await it.world.run(30_000);
    const { value } = await read(it.seat);
    expect(value('kennel_failover_seconds_count')).toBe(1);
    expect(value('kennel_failover_seconds_sum')).toBeGreaterThan(3);
    expect(value('kennel_failover_seconds_sum')).toBeLessThan(20);
  });

  test('M8: count the finding that the store takes no writes', async () => {
    const it = await clusterBench();
    it.world.store.setReadOnly('no space left');
    const { value } = await read(it.seat);
    expect(value('kennel_findings{severity="critical"}')).toBe(1);
  });

  test('of a manager that stopped leading tell nothing that it knew as the leader', async () => {
    const it = await clusterBench();
    await read(it.seat);
    const other = it.world.store.connect('m-2');
    const { signal } = new AbortController();
    const next = other.campaign({ candidate: 'm-2', signal });
    it.world.store.expire('m-1');
    await it.world.wait(next);
    await it.world.until(() => !it.seat.manager.isLeading());
    const { value } = await read(it.seat);
    expect(value('kennel_leading')).toBe(0);
    expect(value('kennel_epoch')).toBe(0);
    expect(value('kennel_nodes{state="online"}')).toBeNull();
    expect(value('kennel_vms{state="running"}')).toBeNull();
  });
});

describe('an explanation', () => {
  const explain = (it: { world: ManagerWorld; seat: ManagerSeat }, topic: string) =>
    it.world.ask(it.seat, (service) => service.explain(topic));

  test('is there for a node, a VM, a fence operation and a failover', async () => {
    const world = new ManagerWorld();
    await world.seed(
      nodeRecord('node-1'),
      vmRecord(1, { desired: 'stopped' }),
      fenceOperation(1, 'node-1', { phase: 'closed' }),
      failoverRecord(1, 'node-1', { outcome: 'completed' }),
    );
    const it = { world, seat: await world.lead() };
    expect((await explain(it, 'node-1')).facts[0]).toBe('node-1 is joining');
    expect((await explain(it, 'vm-1')).facts[0]).toBe('vm-1 is stopped, desired stopped');
    const ofFence = await explain(it, 'F-1');
    expect(ofFence.facts[0]).toContain('F-1 is to prove node-1 dead');
    expect({ ...(await explain(it, 'FO-1')), topic: 'F-1' }).toEqual(ofFence);
  });

  test('is there for every code of a problem and of a finding', async () => {
    const it = await clusterBench();
    for (const [code, text] of Object.entries({ ...problemCodes, ...findingCodes })) {
      expect((await explain(it, code)).facts).toEqual([text]);
    }
  });

  test.each(['none', 'constructor', 'tostring', 'hasOwnProperty', '__proto__', ''])(
    'of what is not there (%s) says so',
    async (topic) => {
      const it = await clusterBench();
      const refused = await it.world.refused(it.seat, (service) => service.explain(topic));
      expect(refused).toMatchObject({ code: 'E_NOT_FOUND' });
    },
  );
});

test('a node that is not there is not found', async () => {
  const it = await clusterBench();
  expect(await it.world.refused(it.seat, (service) => service.node('node-9'))).toMatchObject({
    code: 'E_NOT_FOUND',
    what: 'there is no node node-9',
  });
});
