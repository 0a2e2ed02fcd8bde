import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeId } from '../model/ids.ts';
import type { FenceDevice, NodeRecord } from '../model/node.ts';
import type { Draft } from '../decide/draft.ts';
import { openFence } from '../decide/fence-intent.ts';
import { openFenceOf, recordProof } from '../decide/fences.ts';
import { capacityProblem } from './capacity.ts';
import { isLost } from '../timing/silence.ts';

export interface Enrolment {
  readonly id: NodeId;
  readonly machineId: string;
  readonly address: string;
  readonly certificateFingerprint: string;
}

/** Records a node, or a new certificate of the same machine (FAILURES N22, N23). */
export function enrolNode(draft: Draft, input: Enrolment): Outcome<NodeRecord> {
  const known = draft.node(input.id);
  if (known !== undefined && known.machineId !== input.machineId) {
    return problem(
      refusal(input.id, 'E_MACHINE_MISMATCH', `the name belongs to machine ${known.machineId}`, [
        `kennel node remove ${input.id}, if that machine was replaced`,
        'join under another name',
      ]),
    );
  }
  const twin = draft
    .nodes()
    .find((node) => node.machineId === input.machineId && node.id !== input.id);
  if (twin !== undefined) {
    return problem(
      refusal(input.id, 'E_MACHINE_MISMATCH', `its machine id is the one of ${twin.id}`, [
        'give a cloned machine a new id: systemd-machine-id-setup',
      ]),
    );
  }
  const node: NodeRecord = {
    kind: 'node',
    id: input.id,
    machineId: input.machineId,
    address: input.address,
    capacity: known?.capacity ?? { memoryMiB: 0, vcpus: 0 },
    labels: known?.labels ?? {},
    phase: known?.phase ?? 'joining',
    cordoned: known?.cordoned ?? false,
    maintenance: known?.maintenance ?? false,
    incarnation: known?.incarnation ?? null,
    fence: known?.fence ?? null,
    fenceTopology: known?.fenceTopology ?? [],
    certificateFingerprint: input.certificateFingerprint,
  };
  draft.put(node);
  draft.event({
    code: 'NODE_JOINED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `${node.id} joined from ${node.address}`,
  });
  return ok(node);
}

function refusal(
  node: NodeId,
  code: Problem['code'],
  because: string,
  steps: readonly string[],
): Problem {
  return {
    code,
    what: `${node} may not join`,
    because,
    so: 'no certificate was issued',
    try: steps,
  };
}

/** Forgets a node that owns nothing (FAILURES O6). */
export function removeNode(draft: Draft, node: NodeRecord): Outcome<NodeRecord> {
  const held = draft
    .vms()
    .filter(
      (vm) => vm.permit?.node === node.id || vm.strays.some((stray) => stray.node === node.id),
    );
  if (held.length > 0 || openFenceOf(draft, node) !== undefined) {
    return problem({
      code: 'E_NODE_HAS_VMS',
      what: `${node.id} cannot be removed`,
      because:
        held.length > 0
          ? `it holds, or may run, ${held.map((vm) => vm.spec.name).join(', ')}`
          : 'a fence operation against it is open',
      so: 'nothing was changed',
      try: [`kennel vm stop ${held[0]?.spec.name ?? 'NAME'}`, `kennel explain ${node.id}`],
    });
  }
  draft.remove(node);
  const lacking = capacityProblem(draft, `${node.id} cannot be removed`);
  if (lacking !== null) return problem(lacking);
  draft.event({
    code: 'NODE_REMOVED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `${node.id} is removed`,
  });
  return ok(node);
}

/** Adds a verified fence device to a level (1 = first), or replaces the one of the same id. */
export function addFenceDevice(
  draft: Draft,
  node: NodeRecord,
  input: { readonly level: number; readonly device: FenceDevice },
): Outcome<NodeRecord> {
  const { device } = input;
  for (const other of draft.nodes()) {
    if (other.id === node.id || device.identity === null) continue;
    const twin = other.fenceTopology
      .flatMap((level) => level.devices)
      .find((one) => one.identity === device.identity);
    if (twin !== undefined) {
      return problem({
        code: 'E_FENCE_IDENTITY',
        what: `${device.id} is not added to ${node.id}`,
        because: `it is ${twin.id} of ${other.id} (identity ${device.identity})`,
        so: `fencing ${node.id} would have powered off ${other.id}`,
        try: ['check the address of the BMC'],
      });
    }
  }
  const levels = node.fenceTopology.map((level) => ({
    devices: level.devices.filter((one) => one.id !== device.id),
  }));
  while (levels.length < input.level) levels.push({ devices: [] });
  const next: NodeRecord = {
    ...node,
    fenceTopology: levels
      .map((level, index) =>
        index === input.level - 1 ? { devices: [...level.devices, device] } : level,
      )
      .filter((level) => level.devices.length > 0),
  };
  draft.put(next);
  for (const fence of draft.fences()) {
    if (fence.node !== node.id || !fence.distrusted.includes(device.id)) continue;
    draft.put({ ...fence, distrusted: fence.distrusted.filter((one) => one !== device.id) });
  }
  draft.event({
    code: 'FENCE_DEVICE_ADDED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `${device.id} (${device.driver}) can fence ${node.id}`,
  });
  return ok(next);
}

/** A person wants the node proven dead; `override` lifts the guards of an open operation. */
export function fenceNode(
  draft: Draft,
  node: NodeRecord,
  input: { readonly actor: string; readonly reason: string; readonly override: boolean },
): Outcome<FenceOperation> {
  const open = openFenceOf(draft, node);
  if (open !== undefined) {
    const next = { ...open, override: open.override || input.override };
    draft.put(next);
    draft.event({
      code: 'FENCE_OVERRIDE',
      severity: 'warning',
      node: node.id,
      vm: null,
      text: `the guards of ${open.id} are lifted`,
    });
    return ok(next);
  }
  const fence = openFence(draft, node, {
    kind: 'person',
    actor: input.actor,
    reason: input.reason,
  });
  return fence === null
    ? problem({
        code: 'E_CONFLICT',
        what: `${node.id} cannot be fenced`,
        because: 'no incarnation of it is admitted, so it holds no VM',
        so: 'nothing was done',
        try: [`kennel explain ${node.id}`],
      })
    : ok(fence);
}

/**
 * The `attested` proof: a person says that the node is off. Refused while a heartbeat or a device
 * says otherwise (FAILURES O5), and only against the open operation.
 */
export function confirmOff(
  draft: Draft,
  node: NodeRecord,
  input: { readonly fence: string | null; readonly actor: string; readonly reason: string },
): Outcome<FenceOperation> {
  const fence = openFenceOf(draft, node);
  const refuse = (because: string, steps: readonly string[]): Outcome<FenceOperation> =>
    problem({
      code: 'E_ATTEST_REFUSED',
      what: `the statement that ${node.id} is off is refused`,
      because,
      so: 'its VMs stay where they are',
      try: steps,
    });
  if (fence === undefined) {
    return refuse('there is no open fence operation against it', [
      `kennel node fence ${node.id} --reason "..."`,
    ]);
  }
  if (input.fence !== null && input.fence !== fence.id) {
    return refuse(`${input.fence} is not the open operation, ${fence.id} is`, [
      `kennel node confirm-off ${node.id} --fence ${fence.id} --reason "..."`,
    ]);
  }
  const seen = draft.observations.nodes.get(node.id);
  const sameIncarnation = seen?.incarnation?.bootId === fence.incarnation.bootId;
  if (sameIncarnation && !isLost(seen, draft.observations, draft.state.settings.timing)) {
    return refuse('its agent is heard', [`kennel node show ${node.id}`]);
  }
  const readings = draft.observations.fences.get(fence.id)?.readings ?? [];
  const latest = new Map(readings.map((reading) => [reading.device, reading]));
  for (const reading of latest.values()) {
    const recent = draft.observations.nowMs - reading.atMs < recentReadingMs;
    if (reading.power === 'on' && recent && !fence.distrusted.includes(reading.device)) {
      return refuse(`${reading.device} reads On`, [
        `kennel explain ${fence.id}`,
        'switch it off for real, and wait for the next reading',
      ]);
    }
  }
  recordProof(
    draft,
    fence,
    { kind: 'attested', actor: input.actor, reason: input.reason },
    undefined,
  );
  return ok(draft.fence(fence.id) ?? fence);
}

/** How long a reading of On contradicts a person, in ms. */
const recentReadingMs = 30_000;
