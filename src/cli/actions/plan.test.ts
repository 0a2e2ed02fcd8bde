import { describe, expect, it } from 'vitest';
import type { RuleView, SiteSnapshotView } from '../../api/schema/placement.ts';
import { kennel, ok } from '../testing/fake-world.ts';

const policy = {
  failoverCapacity: null,
  rebalanceOnStart: false,
  enforcement: 'automatic' as const,
  load: 'configured' as const,
  selfMoves: { settleMs: 30_000, maxAtOnce: 2 },
  balance: {
    mode: 'off' as const,
    threshold: 0.3,
    holdRounds: 3,
    minRelativeGain: 0.1,
    maxMoves: 4,
  },
};

const node = (id: string) => ({
  id,
  capacity: { memoryMiB: 1000, vcpus: 4 },
  labels: {},
  closed: null,
  alive: true,
});

const vm = (name: string, at: string | null, memoryMiB = 400) => ({
  id: name,
  spec: { name, vcpus: 1, memoryMiB, priority: 'medium' as const, nodes: [], separateFrom: [] },
  node: at,
  home: at,
  desired: 'running' as const,
  tries: { failures: 0, here: 0, nodes: [] },
});

const apart: RuleView = {
  kind: 'rule',
  type: 'apart',
  id: 'ac',
  vms: ['a', 'c'],
  strict: true,
  enabled: true,
};

const site: SiteSnapshotView = {
  format: 'kennel-site/1',
  nodes: [node('n1'), node('n2'), node('n3')],
  vms: [vm('a', 'n1'), vm('b', 'n1'), vm('c', 'n2')],
  rules: [apart],
  vcpuOvercommit: 8,
  policy,
};

const client = { placement: async () => ok(site), rules: async () => ok(site.rules) };

describe('kennel plan', () => {
  it('fail says where each VM goes, why, and why no other node', async () => {
    const { code, out } = await kennel('plan fail n1', { client });
    expect(code).toBe(0);
    expect(out).toContain('a: n1 → n3');
    expect(out).toContain('n2: rule ac keeps it apart from c');
    expect(out).toContain('2 VMs, all have a node');
  });

  it('fail ends with 1 when a VM would have no node, and says how much lacks', async () => {
    const { code, out } = await kennel('plan fail n1,n3', { client });
    expect(code).toBe(1);
    expect(out).toContain('1 have no node (400 MiB)');
  });

  it('a node that is not there is a problem, not an empty plan', async () => {
    const { code, errors } = await kennel('plan fail n9', { client });
    expect(code).not.toBe(0);
    expect(errors).toContain('there is no node n9');
  });

  it('what export writes gives the same plan as the cluster', async () => {
    const { out: dump } = await kennel('plan export', { client });
    const live = await kennel('plan fail n1 -o json', { client });
    const filed = await kennel('plan fail n1 -o json --state site.json', {
      files: { 'site.json': dump },
    });
    expect(filed.out).toBe(live.out);
  });

  it('a file of htools is written and read', async () => {
    const { out: text } = await kennel('plan export --format htools', { client });
    expect(text).toContain('a|400|10240|1|running|Y|n1||ext');
    const files = { 'site.data': text };
    const { code, out } = await kennel('plan fail n2 --state site.data', { files });
    expect(code).toBe(0);
    expect(out).toContain('c: n2 → n3');
  });

  it('a file that is no dump is refused with its place', async () => {
    const noNodes = {
      'site.json': JSON.stringify({ ...site, rules: [{ ...apart, type: 'nodes' }] }),
    };
    const ruled = await kennel('plan start --state site.json', { files: noNodes });
    expect(ruled.errors).toContain('rules.0.nodes');
    const files = { 'site.json': JSON.stringify({ ...site, nodes: [{ id: 'n1' }] }) };
    const { code, errors } = await kennel('plan start --state site.json', { files });
    expect(code).not.toBe(0);
    expect(errors).toContain('nodes.0');
  });

  it('evacuate, start and balance plan too', async () => {
    expect((await kennel('plan evacuate n1', { client })).out).toContain('a: n1 → n3');
    expect((await kennel('plan start', { client })).out).toContain('it belongs to n1');
    expect((await kennel('plan balance', { client })).out).toContain('imbalance');
  });
});

describe('kennel rule', () => {
  it('add sends what the options say', async () => {
    const sent: unknown[] = [];
    const { out } = await kennel('rule add r --nodes n1:2,n2 --preferred --vms a,b', {
      client: {
        addRule: async (body) => {
          sent.push(body);
          return ok({ ...body, kind: 'rule' as const });
        },
      },
    });
    expect(sent).toEqual([
      {
        id: 'r',
        type: 'nodes',
        vms: ['a', 'b'],
        nodes: { n1: 2, n2: 0 },
        strict: false,
        enabled: true,
        failback: true,
      },
    ]);
    expect(out).toContain('preferably on n1:2, n2:0');
  });

  it('add wants one thing said', async () => {
    const { code, errors } = await kennel('rule add r --together --apart --vms a,b', { client });
    expect(code).not.toBe(0);
    expect(errors).toContain('one of --nodes, --together, --apart and --spread');
  });

  it('ls, show and check tell what is so', async () => {
    expect((await kennel('rule ls', { client })).out).toContain('ac    apart  a, c');
    expect((await kennel('rule show ac', { client })).out).toContain('a (n1)');
    expect(await kennel('rule check', { client })).toMatchObject({
      code: 0,
      out: 'all rules hold\n',
    });
    const broken = { ...site, vms: [vm('a', 'n2'), vm('c', 'n2')] };
    const found = await kennel('rule check', {
      client: { ...client, placement: async () => ok(broken) },
    });
    expect(found.code).toBe(1);
    expect(found.out).toContain('rule ac keeps it apart from c; n1 is better');
  });
});

describe('kennel placement', () => {
  it('set changes what is named and keeps the rest', async () => {
    const sent: unknown[] = [];
    await kennel('placement set --failover-capacity 1 --by rack --balance suggest', {
      client: {
        ...client,
        setPlacementPolicy: async (body) => {
          sent.push(body);
          return ok(body);
        },
      },
    });
    expect(sent).toEqual([
      {
        ...policy,
        failoverCapacity: { failures: 1, by: 'rack' },
        balance: { ...policy.balance, mode: 'suggest' },
      },
    ]);
  });

  it('show has the calculation, and ends with 1 when there is too little room', async () => {
    const tight = {
      ...site,
      vms: [vm('a', 'n1', 900), vm('b', 'n2', 900), vm('c', 'n3', 900)],
      policy: { ...policy, failoverCapacity: { failures: 1, by: null } },
    };
    const { code, out } = await kennel('placement show', {
      client: { placement: async () => ok(tight) },
    });
    expect(code).toBe(1);
    expect(out).toContain('with n1 lost, 1 VMs with 900 MiB');
  });
});
