import { describe, expect, it } from 'vitest';
import { hashOfRecord } from './chain.ts';
import { verifyExport, type Verdict } from './verify.ts';

const readings = [1000, 2000, 3000].map((atMs) => ({
  device: 'n1/bmc',
  atMs,
  power: 'off',
  identity: 'guid-1',
}));
const powerOff = {
  kind: 'powerOff',
  devices: [{ device: 'n1/bmc', identity: 'guid-1', settleMs: 2000, readings }],
  silentMs: 4000,
};
const selfFence = {
  kind: 'selfFence',
  boundMs: 23_190,
  elapsedMs: 23_190,
  countedFrom: 'lease',
  leaseTtlMs: 6000,
  graceMs: 3000,
  watchdogMs: 5000,
  watchdogRounds: 2,
  clockRateBound: 0.01,
  marginMs: 4000,
  watchdog: {
    identity: 'i6300ESB timer',
    strength: 'strong',
    timeoutMs: 5000,
    measuredMs: 5000,
    nowayout: true,
    pretimeoutMs: 0,
    held: true,
  },
};
const incarnation = { id: 'boot-1.1', bootId: 'boot-1', isolation: 'holding' };

interface Change {
  readonly proof?: unknown;
  readonly failover?: object;
  readonly fence?: object | null;
}

/** An export of records as a manager writes them, each sealed after the one before. */
function exportOf(...changes: readonly Change[]) {
  let chain = '';
  const records = changes.map((change, index) => {
    const number = index + 1;
    const proof = change.proof === undefined ? powerOff : change.proof;
    const failover = {
      kind: 'failover',
      id: `FO-${number}`,
      node: 'n1',
      fence: `F-${number}`,
      proof,
      vms: [{ name: 'db', from: 'n1', to: 'n2', placedAt: 'a', startedAt: 'b' }],
      outcome: 'completed',
      hash: null as string | null,
      previousHash: chain,
      ...change.failover,
    };
    failover.hash = hashOfRecord(failover);
    chain = failover.hash ?? '';
    const fence =
      change.fence === null
        ? null
        : { id: `F-${number}`, node: 'n1', incarnation, proof, revoked: [], ...change.fence };
    return { failover, fence };
  });
  return { format: 'kennel-failovers/1', clusterId: 'c', chain: chain as string | null, records };
}

const all = (verdict: Verdict): readonly string[] => [
  ...verdict.problems,
  ...verdict.records.flatMap((record) => record.problems),
];
const found = (...changes: readonly Change[]): string =>
  all(verifyExport(exportOf(...changes))).join('; ');

const withReadings = (change: (one: (typeof readings)[number], index: number) => object) => ({
  proof: {
    ...powerOff,
    devices: [
      {
        ...powerOff.devices[0],
        readings: readings.map((one, index) => ({ ...one, ...change(one, index) })),
      },
    ],
  },
});

describe('an export of failover records', () => {
  it('that is as managers write it has nothing wrong', () => {
    const verdict = verifyExport(
      exportOf({}, {}, { proof: { kind: 'newBoot', oldBoot: 'boot-1', newBoot: 'boot-2' } }),
    );
    expect(all(verdict)).toEqual([]);
    expect(verdict.records.map((record) => record.proof)).toEqual([
      'powerOff',
      'powerOff',
      'newBoot',
    ]);
  });

  it('without records has nothing wrong', () => {
    expect(all(verifyExport(exportOf()))).toEqual([]);
  });

  it('whose first records are no longer kept has nothing wrong', () => {
    const given = exportOf({}, {}, {});
    expect(all(verifyExport({ ...given, records: given.records.slice(1) }))).toEqual([]);
  });

  it.each([
    [
      'a proof of too few readings',
      {
        proof: { ...powerOff, devices: [{ ...powerOff.devices[0], readings: readings.slice(1) }] },
      },
      '2 readings, 3 are wanted',
    ],
    [
      'a reading of On among them',
      withReadings((_, index) => (index === 1 ? { power: 'on' } : {})),
      'it read on',
    ],
    [
      'readings of another machine',
      withReadings(() => ({ identity: 'guid-2' })),
      'enrolled is guid-1',
    ],
    [
      'readings of another device',
      withReadings(() => ({ device: 'n2/bmc' })),
      'a reading of n2/bmc',
    ],
    [
      'readings that go back in time',
      withReadings((one, index) => (index === 1 ? { atMs: 5000 } : one)),
      'out of order',
    ],
    [
      'a settle time that was not waited for',
      withReadings((_, index) => ({ atMs: 1000 + index })),
      'settle time is 2000 ms',
    ],
    [
      'a sign of life within the readings',
      { proof: { ...powerOff, silentMs: 1500 } },
      'heard 1500 ms before',
    ],
    ['no device', { proof: { ...powerOff, devices: [] } }, 'names no device'],
    [
      'a new boot that is the old one',
      { proof: { kind: 'newBoot', oldBoot: 'boot-1', newBoot: 'boot-1' } },
      'is the old one',
    ],
    [
      'a boot that was not wanted',
      { proof: { kind: 'newBoot', oldBoot: 'boot-0', newBoot: 'boot-2' } },
      'wanted was boot-1',
    ],
    [
      'a bound that had not passed',
      {
        proof: { ...selfFence, elapsedMs: selfFence.boundMs - 1 },
        fence: { incarnation: { ...incarnation, isolation: 'selfFencing' } },
      },
      'the bound is 23190 ms',
    ],
    [
      'a bound that its own numbers do not make',
      { proof: { ...selfFence, boundMs: 18_000 } },
      'its own numbers make 23190 ms',
    ],
    [
      'two rounds of a watchdog that nobody holds',
      { proof: { ...selfFence, watchdog: { ...selfFence.watchdog, held: false } } },
      '2 rounds of the watchdog are too few',
    ],
    [
      'N24: a watchdog that dies with its kernel',
      { proof: { ...selfFence, watchdog: { ...selfFence.watchdog, strength: 'weak' } } },
      'its watchdog is weak',
    ],
    [
      'N25: a watchdog that took longer than is counted',
      { proof: { ...selfFence, watchdog: { ...selfFence.watchdog, measuredMs: 10_000 } } },
      'it counts 5000 ms',
    ],
    ['a holding node that fenced itself', { proof: selfFence }, 'it fences itself never'],
    [
      'a person without a name',
      { proof: { kind: 'attested', actor: ' ', reason: 'r' } },
      'nobody is named',
    ],
    ['a kind of proof that nobody knows', { proof: { kind: 'hope' } }, 'cannot be read'],
    ['no proof', { proof: null }, 'is completed and has no proof'],
    [
      'another proof than its operation',
      { fence: { proof: { kind: 'attested', actor: 'a', reason: 'r' } } },
      'F-1 has another proof',
    ],
    ['an operation of another node', { fence: { node: 'n2' } }, 'F-1 is of n2'],
    [
      'a VM of another node',
      {
        failover: { vms: [{ name: 'db', from: 'n9', to: null, placedAt: null, startedAt: null }] },
      },
      'db was of n9',
    ],
    [
      'a VM given away without a proof',
      { proof: null, failover: { outcome: 'cancelled' } },
      'given away without a proof',
    ],
  ] as readonly (readonly [string, Change, string])[])('names %s', (_, change, text) => {
    expect(found(change)).toContain(text);
  });

  it('with a record that was changed after it was sealed is found out', () => {
    const given = exportOf({}, {});
    const [first] = given.records;
    if (first === undefined) throw new Error('no record');
    first.failover.vms = [];
    expect(all(verifyExport(given)).join()).toContain('its hash is not that of what it says');
  });

  it('with a record that was changed and sealed anew breaks the chain', () => {
    const given = exportOf({}, {});
    const [first] = given.records;
    if (first === undefined) throw new Error('no record');
    first.failover.vms = [];
    first.failover.hash = hashOfRecord(first.failover);
    expect(all(verifyExport(given)).join()).toContain('the chain is broken');
  });

  it('with a record taken out of the middle, or off the end, is found out', () => {
    const given = exportOf({}, {}, {});
    const without = (index: number) => given.records.filter((_, each) => each !== index);
    expect(all(verifyExport({ ...given, records: without(1) })).join()).toContain(
      'the chain is broken',
    );
    expect(all(verifyExport({ ...given, records: without(2) })).join()).toContain(
      'the chain ends with FO-2',
    );
  });

  it('with two records in one place is found out', () => {
    const given = exportOf({}, {});
    const second = given.records[1];
    if (second === undefined) throw new Error('no record');
    const twin = { ...second.failover, id: 'FO-9' };
    twin.hash = hashOfRecord(twin);
    const records = [...given.records, { ...second, failover: twin }];
    expect(all(verifyExport({ ...given, records })).join()).toContain('follow the same record');
  });

  it('B7: a proof that was disproved later is the one the record stood on', () => {
    const verdict = verifyExport(
      exportOf({ fence: { proof: null, revoked: [{ proof: powerOff }] } }),
    );
    expect(all(verdict)).toEqual([]);
  });

  it('that is none says so', () => {
    for (const given of [null, 7, [], {}, { format: 'other' }]) {
      expect(verifyExport(given).problems.join()).toContain('not an export');
    }
  });
});
