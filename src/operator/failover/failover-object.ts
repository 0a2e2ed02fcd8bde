import { capitalised } from '../../api/schema/kubernetes/kube-form.ts';
import type { FailoverSpec, FailoverStatus } from '../../api/schema/kubernetes/failover.ts';
import type { FailoverView } from '../../api/schema/views.ts';

/** How long a closed one is shown. Kennel keeps the record itself. */
const shownMs = 7 * 24 * 3600_000;

/** Whether it is still to be seen at this time, by the wall clock, for people. */
export function isShown({ closedAt }: FailoverView, nowIso: string): boolean {
  return closedAt === null || Date.parse(nowIso) - Date.parse(closedAt) < shownMs;
}

export function failoverSpec(record: FailoverView, clusterId: string): FailoverSpec {
  const { node, fence, detectedAt } = record;
  return { clusterId, hypervisor: node, fence, detectedAt };
}

export function failoverStatus(record: FailoverView): FailoverStatus {
  const { vms, proof, detectedAt, closedAt } = record;
  return {
    phase: capitalised(record.outcome) as FailoverStatus['phase'],
    ...(proof === null ? {} : { proof: capitalised(proof.kind) as FailoverStatus['proof'] }),
    timeline: timelineOf(record),
    vms: vms.map((vm) => ({
      name: vm.name,
      from: vm.from,
      ...(vm.to === null ? {} : { to: vm.to }),
      ...(vm.startedAt === null ? {} : { startedAt: vm.startedAt }),
      ...(vm.failure === null ? {} : { failure: vm.failure.slice(0, 4096) }),
    })),
    vmsTotal: vms.length,
    vmsRecovered: vms.filter((vm) => vm.startedAt !== null).length,
    ...(closedAt === null
      ? {}
      : { durationMs: Math.max(0, Date.parse(closedAt) - Date.parse(detectedAt)) }),
    ...(record.hash === null ? {} : { hash: record.hash }),
  };
}

function timelineOf(record: FailoverView): NonNullable<FailoverStatus['timeline']> {
  const steps = [
    ['LastSeen', record.lastSeenAt],
    ['Detected', record.detectedAt],
    ['Intent', record.intentAt],
    ['Off', record.firstOffAt],
    ['Proven', record.provenAt],
    ['Closed', record.closedAt],
  ] as const;
  return steps.flatMap(([step, at]) => (at === null ? [] : [{ step, at }]));
}
