import { describe, expect, test } from 'vitest';
import type { ManagersView } from '../../api/schema/managers.ts';
import type { StatusView } from '../../api/schema/views.ts';
import {
  degradedStatus,
  healthyStatus,
  sampleFailover,
  sampleManager,
  sampleNode,
  sampleVm,
} from '../testing/sample-views.ts';
import { topOf } from '../actions/top.ts';
import { formatFailover, renderFailoverTable } from './failover.ts';
import { makeLayout, plainLayout } from './layout.ts';
import type { Layout } from './layout.ts';
import { renderManagers } from './manager.ts';
import { renderNode } from './node.ts';
import { proofText } from './proof.ts';
import { renderStatus } from './status.ts';
import { renderTop } from './top.ts';
import { renderVm } from './vm.ts';

const wide: Layout = { ...plainLayout, columns: Infinity, rows: Infinity, isWide: true };

describe('what is printed reads like its golden text', () => {
  test.each([
    ['status-healthy', () => renderStatus(healthyStatus, plainLayout)],
    ['status-degraded', () => renderStatus(degradedStatus, plainLayout)],
    ['status-degraded-wide', () => renderStatus(degradedStatus, wide)],
    ['managers', () => renderManagers(threeManagers(), wide)],
    ['node', () => renderNode(sampleNode(nodeSeven()), plainLayout)],
    ['vm', () => renderVm(waitingVm(), plainLayout)],
    ['top', () => renderTop(topOf(degradedStatus, 'cpu'), { ...plainLayout, rows: 9 })],
    ['failover', () => formatFailover(sampleFailover)],
    ['failover-ls', () => renderFailoverTable([sampleFailover], plainLayout)],
  ])('%s', async (name, render) => {
    await expect(`${render()}\n`).toMatchFileSnapshot(`golden/${name}.txt`);
  });
});

/** A site with a witness, one of whose disks cannot keep up. */
function threeManagers(): ManagersView {
  const disk = { lastSyncMs: 0.42, slowestSyncMs: 9, writeErrors: 0, logBytes: 3 << 20 };
  const slow = { ...disk, lastSyncMs: 340, slowestSyncMs: 2100, writeErrors: 3 };
  const voter = { healthy: true, role: 'voter', lagEntries: 0 } as const;
  return {
    leader: 'mgr-2',
    epoch: 41,
    managers: [
      sampleManager(1),
      sampleManager(2),
      sampleManager(3, { role: 'witness', healthy: false, lastSeenMs: null, behind: null }),
    ],
    store: {
      driver: 'raft',
      hasQuorum: true,
      term: 7,
      readOnly: null,
      syncMs: 9,
      members: [
        { name: 'mgr-1', ...voter, disk: slow },
        { name: 'mgr-2', ...voter, disk },
        { name: 'mgr-3', ...voter, healthy: false, lagEntries: 812 },
      ],
    },
  };
}

function nodeSeven() {
  const found = degradedStatus.nodes.find((node) => node.name === 'node-7');
  return found ?? sampleNode({ name: 'missing' });
}

function waitingVm() {
  const found = degradedStatus.vms.find((vm) => vm.state === 'waitingProof');
  return found ?? sampleVm({ name: 'missing' });
}

test('status of three managers, three nodes and a finding fits 80 x 24', () => {
  const lines = renderStatus(degradedStatus, plainLayout).split('\n');
  expect(lines.length).toBeLessThan(24);
  const shown = lines.filter((line) => !line.includes('try:'));
  expect(Math.max(...shown.map((line) => line.length))).toBeLessThanOrEqual(80);
});

function bigStatus(): StatusView {
  const vms = Array.from({ length: 40 }, (_, index) => sampleVm({ name: `vm-${index}` }));
  const waiting = degradedStatus.vms.filter((vm) => vm.state === 'waitingProof');
  const nodes = Array.from({ length: 30 }, (_, index) => sampleNode({ name: `n-${index}` }));
  return { ...degradedStatus, vms: [...vms, ...waiting], nodes: [...nodes, nodeSeven()] };
}

test('when not everything fits, what is well is left out and counted', () => {
  const text = renderStatus(bigStatus(), plainLayout);
  expect(text.split('\n').length).toBeLessThan(24);
  expect(text).toContain('… 40 more VMs are as wanted: kennel vm ls');
  expect(text).toContain('… 30 more nodes are as wanted: kennel node ls');
  expect(text).toMatch(/^db-2 +waitingProof/m);
  expect(text).toMatch(/^node-7 +fencing/m);
  expect(text).not.toMatch(/^vm-7 /m);
});

test('the wide form leaves nothing out', () => {
  const text = renderStatus(
    bigStatus(),
    makeLayout({ size: null, isWide: true, isColored: false }),
  );
  expect(text).toMatch(/^vm-39 /m);
  expect(text).toMatch(/^n-29 /m);
});

test('a lease that a follower cannot know of is not shown as over', () => {
  const lease = { leaseMs: null, leaseIsKnown: false };
  const nodes = [sampleNode({ name: 'node-1', ...lease })];
  const text = renderStatus({ ...healthyStatus, nodes }, plainLayout);
  expect(text).toMatch(/node-1 +online +\? /);
});

test('colour adds escapes and changes no text', () => {
  const size = { columns: 80, rows: 24 };
  const colored = renderStatus(
    degradedStatus,
    makeLayout({ size, isWide: false, isColored: true }),
  );
  // oxlint-disable-next-line no-control-regex
  const stripped = colored.replace(/\u001b\[\d+m/g, '');
  expect(colored).not.toBe(stripped);
  expect(stripped).toBe(renderStatus(degradedStatus, plainLayout));
});

test('a cluster without nodes, VMs and leader is printed too', () => {
  const empty: StatusView = {
    ...healthyStatus,
    health: 'noQuorum',
    leader: null,
    nodes: [],
    vms: [],
  };
  expect(renderStatus(empty, plainLayout)).toBe(
    [
      'cluster prod  no quorum  managers 3/3  no leader (epoch 41)  revision 88213',
      'nodes  none',
      'vms    none',
    ].join('\n'),
  );
});

test('offsets count from the detection when the node was never heard', () => {
  const text = formatFailover({ ...sampleFailover, lastSeenAt: null });
  expect(text).toMatch(/09:40:57\.132 +\+0 ms {2}detected/);
  expect(text).toMatch(/\+4338 ms {2}db-1 started on node-1/);
});

test('an open failover says what each VM waits for', () => {
  const [first, second] = sampleFailover.vms;
  const text = formatFailover({
    ...sampleFailover,
    outcome: 'open',
    closedAt: null,
    provenAt: null,
    proof: null,
    hash: null,
    vms: [first, second].flatMap((vm) =>
      vm === undefined ? [] : [{ ...vm, placedAt: null, startedAt: null, failure: null }],
    ),
  });
  expect(text).toContain('fence F-12   open');
  expect(text).toMatch(/^db-1 .* waits$/m);
  expect(text).toContain('record open, not sealed yet');
  expect(text).not.toContain('proven dead');
});

test.each([
  [{ kind: 'newBoot', oldBoot: 'a', newBoot: 'b' } as const, 'newBoot: came back as boot b, was a'],
  [
    { kind: 'selfFence', boundMs: 23_000, elapsedMs: 24_100 } as const,
    'selfFence: 24s passed, its bound is 23s',
  ],
  [
    { kind: 'attested', actor: 'ann', reason: 'pulled it' } as const,
    'attested by ann: "pulled it"',
  ],
  [{ kind: 'storageCut', devices: ['san-1'] } as const, 'storageCut: cut off at san-1'],
  [
    { kind: 'kdump', from: '10.0.0.7' } as const,
    'kdump: the crash kernel announced itself from 10.0.0.7',
  ],
  [{ kind: 'powerOff' } as const, 'powerOff: no device named'],
])('the proof %o is told in one sentence', (proof, text) => {
  expect(proofText(proof)).toBe(text);
});
