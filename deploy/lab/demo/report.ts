import type { FailoverView } from '../../../src/api/schema/views.ts';
import { isoDifferenceMs } from '../../../src/env/iso-time.ts';
import type { WitnessVerdict } from './site.ts';

export type Fault = 'powerLoss' | 'freeze';

/** Times are ms after the beginning of the demo; null = it never happened. */
export interface ActReport {
  readonly fault: Fault;
  readonly node: string;
  readonly timeline: {
    readonly faultAtMs: number;
    readonly detectedAtMs: number;
    readonly intentAtMs: number | null;
    readonly offVerifiedAtMs: number | null;
    readonly provenAtMs: number | null;
    readonly lastStartedAtMs: number | null;
  };
  readonly proof: string | null;
  readonly vms: readonly {
    readonly name: string;
    readonly from: string;
    readonly to: string | null;
    readonly startedAtMs: number | null;
  }[];
}

export interface DemoReport {
  readonly acts: readonly ActReport[];
  readonly witness: { readonly disks: number; readonly overlaps: number };
  readonly simulated: boolean;
}

/** What the failover record says of one act, with times after `beganAt` (ISO). */
export function actReport(
  act: { readonly fault: Fault; readonly faultAt: string; readonly beganAt: string },
  failover: FailoverView,
): ActReport {
  const after = (at: string | null): number | null =>
    at === null ? null : isoDifferenceMs(act.beganAt, at);
  const started = failover.vms.flatMap((vm) => after(vm.startedAt) ?? []);
  return {
    fault: act.fault,
    node: failover.node,
    timeline: {
      faultAtMs: isoDifferenceMs(act.beganAt, act.faultAt),
      detectedAtMs: isoDifferenceMs(act.beganAt, failover.detectedAt),
      intentAtMs: after(failover.intentAt),
      offVerifiedAtMs: after(failover.firstOffAt),
      provenAtMs: after(failover.provenAt),
      lastStartedAtMs: started.length === 0 ? null : Math.max(...started),
    },
    proof: failover.proof?.kind ?? null,
    vms: failover.vms.map((vm) => ({
      name: vm.name,
      from: vm.from,
      to: vm.to,
      startedAtMs: after(vm.startedAt),
    })),
  };
}

/** Why the demo did not show what it is to show; empty = it did. */
export function shortcomings(report: DemoReport, verdict: WitnessVerdict): readonly string[] {
  const found: string[] = [];
  for (const act of report.acts) {
    if (act.proof === null) found.push(`${act.node} was not proven dead`);
    for (const vm of act.vms) {
      if (vm.startedAtMs === null) found.push(`${vm.name} did not start elsewhere`);
      else if (vm.startedAtMs < (act.timeline.provenAtMs ?? Infinity)) {
        found.push(`${vm.name} started before ${act.node} was proven dead`);
      }
    }
    if (act.vms.length === 0) found.push(`${act.node} held no VM`);
  }
  if (verdict.overlaps > 0) found.push(`${verdict.overlaps} times a disk had two writers`);
  for (const disk of verdict.idle) found.push(`nobody writes to ${disk}`);
  return found;
}
