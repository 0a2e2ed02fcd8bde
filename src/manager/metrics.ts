import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FailoverRecord } from '../core/model/failover.ts';
import type { FailoverId } from '../core/model/ids.ts';
import type { Change } from '../core/plan.ts';
import { isoDifferenceMs } from '../env/iso-time.ts';

/** Everything under `/metrics`. Names follow Prometheus' conventions, units are in the names. */
export interface ManagerMetrics {
  readonly registry: Registry;
  readonly decisions: Counter;
  readonly commitSeconds: Histogram;
  readonly failoverSeconds: Histogram;
  readonly leading: Gauge;
  readonly epoch: Gauge;
  readonly nodes: Gauge<'state'>;
  readonly vms: Gauge<'state'>;
  readonly findings: Gauge<'severity'>;
  readonly managers: Gauge<'reachable'>;
  readonly storeQuorum: Gauge;
}

/** A registry of its own, so that two managers in one process do not count together. */
export function managerMetrics(): ManagerMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    decisions: new Counter({
      name: 'kennel_decisions_total',
      help: 'Decisions made by this leader',
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'kennel_commit_seconds',
      help: 'Time from a decision to its acknowledged commit',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    failoverSeconds: new Histogram({
      name: 'kennel_failover_seconds',
      help: 'Time from the last sign of life of a node to the start of each of its VMs elsewhere',
      buckets: [1, 2, 3, 5, 8, 13, 21, 34, 60, 120, 300],
      registers,
    }),
    leading: new Gauge({ name: 'kennel_leading', help: '1 while this manager leads', registers }),
    epoch: new Gauge({ name: 'kennel_epoch', help: 'Epoch of the present leadership', registers }),
    nodes: new Gauge({
      name: 'kennel_nodes',
      help: 'Nodes by state',
      labelNames: ['state'],
      registers,
    }),
    vms: new Gauge({ name: 'kennel_vms', help: 'VMs by state', labelNames: ['state'], registers }),
    managers: new Gauge({
      name: 'kennel_managers',
      help: 'Managers by whether they answer this leader',
      labelNames: ['reachable'],
      registers,
    }),
    storeQuorum: new Gauge({
      name: 'kennel_store_has_quorum',
      help: '1 while the store has a quorum, as this manager sees it',
      registers,
    }),
    findings: new Gauge({
      name: 'kennel_findings',
      help: 'Things that are wrong now, by severity',
      labelNames: ['severity'],
      registers,
    }),
  };
}

/**
 * For each VM whose start elsewhere these changes record for the first time: the time since the last
 * sign of life of its node, in seconds. `before` is what was committed until then.
 */
export function failoverTimes(
  changes: readonly Change[],
  before: ReadonlyMap<FailoverId, FailoverRecord>,
): readonly number[] {
  return changes.flatMap((change) => {
    if (change.kind === 'delete' || change.object.kind !== 'failover') return [];
    const { id, lastSeenAt, vms } = change.object;
    const known = before.get(id)?.vms ?? [];
    const started = new Set(known.filter((one) => one.startedAt !== null).map((one) => one.vm));
    return vms.flatMap(({ vm, startedAt }) =>
      startedAt === null || lastSeenAt === null || started.has(vm)
        ? []
        : [isoDifferenceMs(lastSeenAt, startedAt) / 1000],
    );
  });
}
