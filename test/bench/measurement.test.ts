import { expect, test } from 'vitest';
import type { FailoverView } from '../../src/api/schema/views.ts';
import { defectsOf, measure, startsElsewhere, type Evidence, type Inputs } from './measurement.ts';

const crashMs = 1_700_000_000_000;
const iso = (afterMs: number): string => new Date(crashMs + afterMs).toISOString();
const epoch = (afterMs: number): string => ((crashMs + afterMs) / 1000).toFixed(6);

const inputs: Inputs = {
  version: '0.1.0',
  label: 'default',
  nodes: 3,
  N: 2,
  rep: 1,
  bmc_delay_ms: 0,
  settle_ms: 2000,
  crash: 'power',
  victim: 'node3',
  dc: 'node1',
  load: 0.5,
};

test('a proof by time needs no readings of Off, and is no proof by readings', () => {
  const given = evidence({
    failover: failover({ firstOffAt: null, proof: { kind: 'selfFence' } }),
  });
  const run = measure(inputs, given);
  expect(defectsOf(run, given, 'selfFence')).toEqual([]);
  expect(defectsOf(run, given)).toContain('the proof is selfFence, not powerOff');
});

function failover(change: Partial<FailoverView> = {}): FailoverView {
  const vm = { from: 'node3', placement: '', placedAt: iso(4700), failure: null };
  return {
    id: 'FO-1',
    node: 'node3',
    fence: 'F-1',
    lastSeenAt: iso(-300),
    detectedAt: iso(2700),
    intentAt: iso(2702),
    firstOffAt: iso(2705),
    provenAt: iso(4700),
    proof: {
      kind: 'powerOff',
      devices: [{ readings: [{ atMs: 10 }, { atMs: 1010 }, { atMs: 2011 }] }],
    },
    vms: [
      { ...vm, vm: 'a', name: 'vm1', to: 'node1', startedAt: iso(4800) },
      { ...vm, vm: 'b', name: 'vm2', to: 'node2', startedAt: iso(4900) },
    ],
    outcome: 'completed',
    closedAt: iso(4900),
    hash: null,
    previousHash: null,
    ...change,
  };
}

function evidence(change: Partial<Evidence> = {}): Evidence {
  return {
    crashMs,
    victim: 'node3',
    events: [
      `${epoch(-9000)} START vm1 node3`,
      `${epoch(4720)} START vm1 node1`,
      `${epoch(4740)} START vm2 node2`,
      '',
    ].join('\n'),
    bmcLog: `${epoch(-5000)} READ node3 ON\n${epoch(2705)} READ node3 OFF\n`,
    managerLog: [
      JSON.stringify({ time: iso(-60_000), code: 'NODE_FENCED', node: 'node3' }),
      JSON.stringify({ time: iso(2703), code: 'FENCE_INTENT', node: 'node3' }),
      JSON.stringify({ time: iso(4705), code: 'NODE_FENCED', node: 'node3' }),
    ].join('\n'),
    failover: failover(),
    ...change,
  };
}

test('times are seconds after the crash, each from what saw it', () => {
  expect(measure(inputs, evidence())).toMatchObject({
    last_seen: -0.3,
    membership: 2.7,
    fence_decided: 2.703,
    bmc_req: null,
    first_off: 2.705,
    fence_done: 4.705,
    off_readings: 3,
    off_span_ms: 2001,
    started: 2,
    first: 4.72,
    median: 4.73,
    p99: 4.74,
    last: 4.74,
    log_started: 2,
    log_last: 4.9,
  });
});

test('a BMC that had to be asked is in the record', () => {
  const bmcLog = `${epoch(2710)} REQ off node3\n${epoch(2810)} OK off node3\n`;
  expect(measure(inputs, evidence({ bmcLog }))).toMatchObject({ bmc_req: 2.71, bmc_off: 2.81 });
});

test('starts before the crash and on the victim do not count', () => {
  const events = [
    `${epoch(-1)} START vm1 node1`,
    `${epoch(5)} START vm1 node3`,
    `${epoch(6)} STOP vm1 node1`,
    `${epoch(8)} START vm1 node2`,
  ].join('\n');
  expect(startsElsewhere({ events, crashMs, victim: 'node3' })).toEqual([
    { atMs: crashMs + 8, vm: 'vm1' },
  ]);
});

function defects(change: Partial<Evidence>): readonly string[] {
  const changed = evidence(change);
  return defectsOf(measure(inputs, changed), changed);
}

test('a repetition as it should be has no defects', () => {
  expect(defects({})).toEqual([]);
});

test('a VM that started twice, or before the proof, is a defect', () => {
  const twice = [
    `${epoch(4720)} START vm1 node1`,
    `${epoch(4730)} START vm1 node2`,
    `${epoch(4740)} START vm2 node2`,
  ].join('\n');
  expect(defects({ events: twice })).toEqual(['3 starts of 2 VMs, not 2']);
  const early = `${epoch(4600)} START vm1 node1\n${epoch(4740)} START vm2 node2`;
  expect(defects({ events: early })).toEqual(['a VM started at 4.6 s, before the proof at 4.7 s']);
});

test('another node that was to be fenced too is a defect', () => {
  const also = { time: iso(3000), code: 'FENCE_INTENT', node: 'node2' };
  const managerLog = `${evidence().managerLog}\n${JSON.stringify(also)}`;
  expect(defects({ managerLog })).toEqual(['node2 was to be fenced as well']);
});

test('a proof that is none, or was not read for long enough, is a defect', () => {
  const attested = failover({ proof: { kind: 'attested' } });
  expect(defects({ failover: attested })).toContain('the proof is attested, not powerOff');
  const readings = [{ atMs: 10 }, { atMs: 20 }, { atMs: 1500 }];
  const short = failover({ proof: { kind: 'powerOff', devices: [{ readings }] } });
  expect(defects({ failover: short })).toEqual(['Off was read over 1490 ms only']);
});
