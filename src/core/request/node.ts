import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Draft } from '../decide/draft.ts';
import { openFence } from '../decide/fence-intent.ts';
import { recordProof } from '../decide/fences.ts';
import { openFenceOf } from '../decide/open-fence.ts';
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
  const { address, machineId, certificateFingerprint } = input;
  const node: NodeRecord = {
    ...(known ?? unknownBefore),
    id: input.id,
    machineId,
    address,
    certificateFingerprint,
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

/** What is known of a node that joins for the first time. */
const unknownBefore = {
  kind: 'node',
  capacity: { memoryMiB: 0, vcpus: 0 },
  labels: {},
  phase: 'joining',
  cordoned: false,
  incarnation: null,
  fence: null,
  fenceTopology: [],
} as const;

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
