import { expect, test } from 'vitest';
import type { SimTaps } from '../../chaos/sim/taps.ts';
import { clusterOfVms } from './testing/cluster-of-vms.ts';
import type { ClusterOfVms } from './testing/cluster-of-vms.ts';

/** What was seen from outside since the node failed. */
interface Seen {
  offSent: boolean;
  startAsked: boolean;
  vmRan: boolean;
}

/** What it came to in the end. */
interface End {
  readonly runsOnce: boolean;
  readonly isElsewhere: boolean;
  readonly offs: number;
  readonly overlaps: readonly unknown[];
}

const asItShould: End = { runsOnce: true, isElsewhere: true, offs: 1, overlaps: [] };

/**
 * A node hangs with its power on, so the leader must send `off`. The leader dies at the first
 * instant at which `isStep` holds, and its successor closes the record of the failover.
 */
async function endAfter(isStep: (it: ClusterOfVms, seen: Seen) => boolean): Promise<End> {
  const seen: Seen = { offSent: false, startAsked: false, vmRan: false };
  let isWatched = false;
  const taps: SimTaps = {
    toolStarted: (_manager, _host, action) => {
      seen.offSent ||= isWatched && action === 'off';
    },
    startAsked: () => {
      seen.startAsked ||= isWatched;
    },
    vmRuns: (_node, _vm, _permit, running) => {
      seen.vmRan ||= isWatched && running;
    },
  };
  const it = await clusterOfVms({ taps });
  const node = it.homeOf('vm-1');
  const [leader] = it.cluster.leaders();
  if (leader === undefined) throw new Error('nobody leads');
  node.machine.panic();
  isWatched = true;
  await it.until(() => isStep(it, seen));
  expect(it.stored('failover/FO-1')['outcome']).toBe('open');
  leader.machine.crash('manager');
  await it.until(() => it.everyVmRuns() && it.stored('failover/FO-1')['outcome'] === 'completed');
  await it.runFor(10_000);
  return {
    runsOnce: it.everyVmRuns(),
    isElsewhere: it.homeOf('vm-1') !== node,
    offs: node.bmc.executed.off,
    overlaps: it.overlaps(),
  };
}

test('M1/intent: a leader that dies once the fence intent is committed is followed up', async () => {
  expect(await endAfter((it) => it.fencePhase() === 'intent')).toEqual(asItShould);
});

test('M1/acting: a leader that dies once it may act is followed up', async () => {
  expect(await endAfter((it) => it.fencePhase() === 'acting')).toEqual(asItShould);
});

test('M1/off B11: a leader that dies once it sent off is followed up, and no second off is sent', async () => {
  expect(await endAfter((_, seen) => seen.offSent)).toEqual(asItShould);
});

test('M1/proven: a leader that dies once proof and new owners are committed is followed up', async () => {
  expect(await endAfter((it) => it.fencePhase() === 'proven')).toEqual(asItShould);
});

test('M1/starting: a leader that dies once a start was sent is followed up, and starts nothing twice', async () => {
  expect(await endAfter((_, seen) => seen.startAsked)).toEqual(asItShould);
});

test('M1/running: a leader that dies once VMs run again closes its record by its successor', async () => {
  expect(await endAfter((_, seen) => seen.vmRan)).toEqual(asItShould);
});
