import type { ClusterState } from '../cluster-state.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import { lockedText } from '../model/vm-lock.ts';
import type { Observations, ReportObservation } from '../observations.ts';
import { isSetAside } from '../decide/downtime.ts';
import { distrustedOf } from '../decide/fence-intent.ts';
import { explainFence } from './awaiting.ts';
import { failingDevices, isFenceable } from './fence-grade.ts';
import type { FindingCode } from './finding-codes.ts';
import { guardFindings } from './guard-findings.ts';
import { maintenanceFindings } from './maintenance-findings.ts';
import { guestFindings } from './guest-findings.ts';
import { placementFindings } from './placement-findings.ts';
import { isHeld } from '../order/hold.ts';
import { rivalFindings } from './rivals.ts';
import { nodeState, vmState } from './states.ts';

/** One thing that is wrong, with the commands that fix it. Empty subject = the cluster. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: 'warning' | 'critical';
  readonly subject: string;
  readonly text: string;
  readonly try: readonly string[];
}

/** Everything that an operator should know or do now, the worst first. */
export function findingsOf(state: ClusterState, observations: Observations): readonly Finding[] {
  const findings: Finding[] = [...guardFindings(state)];
  for (const node of state.nodes.values())
    findings.push(...nodeFindings(node, state, observations));
  for (const vm of state.vms.values()) {
    const guest = guestFindings(vm, state, observations);
    findings.push(...strayFindings(vm));
    findings.push(...(guest.length > 0 ? guest : vmFindings(vm, state, observations)));
  }
  findings.push(...placementFindings(state, observations));
  findings.push(...maintenanceFindings(state, observations));
  return findings.sort(
    (a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'),
  );
}

function nodeFindings(
  node: NodeRecord,
  state: ClusterState,
  observations: Observations,
): readonly Finding[] {
  const seen = observations.nodes.get(node.id);
  const held = [...state.vms.values()].filter((vm) => vm.permit?.node === node.id);
  const findings: Finding[] = [];
  const add = (
    code: FindingCode,
    severity: Finding['severity'],
    text: string,
    steps: readonly string[],
  ): void => {
    findings.push({ code, severity, subject: node.id, text, try: steps });
  };
  const fence = node.fence === null ? undefined : state.fences.get(node.fence);
  if (fence !== undefined && (node.phase === 'fencing' || node.phase === 'blocked')) {
    const why = explainFence(fence, state, observations);
    const waiting = held.map((vm) => vm.spec.name).join(' ');
    add(
      node.phase === 'blocked' ? 'FENCE_BLOCKED' : 'FENCE_PENDING',
      'critical',
      `${why.awaiting[0] ?? 'proof is awaited'}${waiting === '' ? '' : `; waiting: ${waiting}`}`,
      [`kennel explain ${node.id}`, ...why.try],
    );
  }
  const liars = distrustedOf(node.id, state.fences.values());
  if (liars.length > 0) {
    add('BMC_LIED', 'critical', `${liars.join(', ')} said Off while the node lived; not believed`, [
      `kennel fence add ${liars[0]} ..., which probes it anew`,
    ]);
  }
  switch (nodeState(node, state, observations)) {
    case 'suspect':
      add('NODE_SUSPECT', 'warning', 'heartbeats are overdue', [`kennel explain ${node.id}`]);
      break;
    case 'joining':
      if (isSetAside(node)) break;
      add('NODE_NOT_ADMITTED', 'warning', 'its agent is not connected or not admitted yet', [
        `kennel explain ${node.id}`,
      ]);
      break;
    case 'quarantined':
      add('NODE_QUARANTINED', 'warning', 'it flaps: it keeps its VMs and gets no new ones', [
        `kennel node unquarantine ${node.id}`,
        `kennel explain ${node.id}`,
      ]);
      break;
    case 'fenced':
      add('NODE_FENCED', 'warning', 'it is proven dead and has not come back', [
        `kennel node power-on ${node.id}`,
      ]);
      break;
    default:
  }
  findings.push(...rivalFindings(node, observations));
  findings.push(...deviceFindings(node, held, state));
  findings.push(...agentFindings(node, seen?.report ?? null));
  return findings;
}

/** Whether its devices could prove it off, before that is needed. */
function deviceFindings(
  node: NodeRecord,
  held: readonly VmRecord[],
  state: ClusterState,
): readonly Finding[] {
  const base = { severity: 'warning', subject: node.id } as const;
  const failing = failingDevices(node, state.fences.values());
  const why = failing.map(({ device, because }) => `${device}: ${because}`).join('; ');
  if (isFenceable(node, state.fences.values())) {
    if (failing.length === 0) return [];
    const steps = failing.map(({ device }) => `kennel fence test ${device}`);
    return [{ ...base, code: 'FENCE_DEGRADED', text: `another level works, ${why}`, try: steps }];
  }
  if (held.length === 0) return [];
  const vms = held.map((vm) => vm.spec.name).join(' ');
  const isBare = failing.length === 0;
  return [
    {
      ...base,
      code: 'NODE_UNFENCEABLE',
      severity: isBare ? 'warning' : 'critical',
      text: `${isBare ? 'it has no fence device' : why}; unprotected: ${vms}`,
      try: isBare
        ? [`kennel fence add ${node.id}/bmc --driver ipmi --host ... --user ...`]
        : [`kennel fence test ${node.id}`],
    },
  ];
}

/** What the node's own agent says is wrong there. */
function agentFindings(node: NodeRecord, report: ReportObservation | null): readonly Finding[] {
  const findings: Finding[] = [];
  const base = { severity: 'warning', subject: node.id } as const;
  if (node.phase === 'online' && report?.hypervisor === 'unreachable') {
    const { mending } = report;
    findings.push({
      ...base,
      code: 'HYPERVISOR_UNREACHABLE',
      text: `its hypervisor does not answer, its VMs are unknown${mending === null ? '' : `; ${mending}`}`,
      try: ['systemctl restart libvirtd, on the node'],
    });
  }
  if (report?.peerHold?.held === true) {
    findings.push({
      ...base,
      code: 'NODE_HELD',
      text: 'it has no lease and lives by the promises of the others; it starts nothing',
      try: [`kennel node show ${node.id}`],
    });
  }
  if (report?.degraded != null) {
    const step = `kennel node show ${node.id}`;
    findings.push({ ...base, code: 'AGENT_DEGRADED', text: report.degraded, try: [step] });
  }
  return findings;
}

/** It runs, or may run, where it has no right to: two may write to its disks. */
function strayFindings(vm: VmRecord): readonly Finding[] {
  // It is about to be taken over there.
  if (vm.adopting) return [];
  return vm.strays.map(({ node }) => ({
    code: 'VM_STRAY',
    severity: 'critical',
    subject: vm.spec.name,
    text: `it was started on ${node} without a permit; it is stopped there, or ${node} proven dead`,
    try: [`kennel explain ${vm.spec.name}`, `virsh destroy ${vm.spec.name}, on ${node}`],
  }));
}

/** A person's own doing is told apart from a disk that fails. */
function pausedFinding(vm: VmRecord, observations: Observations): readonly Finding[] {
  const { name } = vm.spec;
  const node = vm.permit === null ? undefined : observations.nodes.get(vm.permit.node);
  const reason = node?.report?.domains?.get(vm.id)?.reason ?? 'unknown';
  const isByHand = reason === 'user';
  return [
    {
      code: 'VM_PAUSED',
      severity: 'warning',
      subject: name,
      text: isByHand ? 'a person paused it' : `its hypervisor paused it (${reason})`,
      try: [`kennel vm resume ${name}`, `kennel why vm ${name}`],
    },
  ];
}

function vmFindings(
  vm: VmRecord,
  state: ClusterState,
  observations: Observations,
): readonly Finding[] {
  const add = (
    code: FindingCode,
    severity: Finding['severity'],
    text: string,
  ): readonly Finding[] => [
    { code, severity, subject: vm.spec.name, text, try: [`kennel explain ${vm.spec.name}`] },
  ];
  switch (vmState(vm, state, observations)) {
    case 'failed':
      return add('VM_FAILED', 'critical', vm.reason ?? 'it failed too often');
    case 'paused':
      return pausedFinding(vm, observations);
    case 'backoff':
      return add('VM_BACKOFF', 'warning', vm.reason ?? 'its last start failed');
    case 'stopped':
      if (vm.desired === 'running' && vm.lock != null) {
        return add('VM_LOCKED', 'warning', lockedText(vm.lock));
      }
      if (vm.desired === 'running' && vm.wait != null) {
        const severity = isHeld(vm) ? 'critical' : 'warning';
        return add('VM_WAITS', severity, vm.reason ?? 'it waits for others');
      }
      return vm.desired === 'running' && vm.reason !== null
        ? add('VM_UNPLACED', 'critical', vm.reason)
        : [];
    default:
      return [];
  }
}
