import type { Draft } from '../decide/draft.ts';
import { openFence } from '../decide/fence-intent.ts';
import { openFenceOf } from '../decide/open-fence.ts';
import { heldVmsOf } from '../decide/ownership.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import type { DeviceCheck, FenceDevice, FenceLevel, NodeRecord } from '../model/node.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import { levelProblem } from '../timing/recovery-budget.ts';

export interface DevicePlacing {
  /** Counted from 1; one more than there are makes a new level. */
  readonly level: number;
  readonly device: FenceDevice;
  /** For all of the level, in ms; null = as it is. */
  readonly budgetMs: number | null;
  readonly delayMs: number | null;
}

/** Adds a verified fence device to a level (1 = first), or replaces the one of the same id. */
export function addFenceDevice(
  draft: Draft,
  node: NodeRecord,
  input: DevicePlacing,
): Outcome<NodeRecord> {
  const { device } = input;
  const taken = takenBy(draft, node, device);
  if (taken !== null) return problem(taken);
  const levels: FenceLevel[] = node.fenceTopology.map((level) => ({
    ...level,
    devices: level.devices.filter((one) => one.id !== device.id),
  }));
  if (input.level > levels.length + 1) {
    return problem(
      refusal(device.id, node, 'E_CONFLICT', `there is no level ${levels.length + 1} yet`, [
        `--level ${levels.length + 1}`,
      ]),
    );
  }
  if (input.level > levels.length) levels.push({ devices: [] });
  const next: NodeRecord = {
    ...node,
    fenceTopology: levels
      .map((level, index) => (index === input.level - 1 ? withDevice(level, input) : level))
      .filter((level) => level.devices.length > 0),
    fenceChecks: without(node.fenceChecks, device.id),
  };
  for (const level of next.fenceTopology) {
    const unsafe = levelProblem(level);
    if (unsafe !== null) {
      const steps = ['--budget with a longer time', '--settle with a shorter one'];
      return problem(refusal(device.id, node, 'E_SPEC_INVALID', unsafe, steps));
    }
  }
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

function withDevice(level: FenceLevel, input: DevicePlacing): FenceLevel {
  const budgetMs = input.budgetMs ?? level.budgetMs;
  const delayMs = input.delayMs ?? level.delayMs;
  return {
    devices: [...level.devices, input.device],
    ...(budgetMs === undefined ? {} : { budgetMs }),
    ...(delayMs === undefined ? {} : { delayMs }),
  };
}

/**
 * Whose the device is already: what cuts two nodes may fence neither (FAILURES B15, O7), and what
 * is one outlet is not two supplies.
 */
function takenBy(draft: Draft, node: NodeRecord, device: FenceDevice): Problem | null {
  for (const other of draft.nodes()) {
    for (const twin of other.fenceTopology.flatMap(({ devices }) => devices)) {
      if (twin.id === device.id) continue;
      const isSame =
        twin.outlet === device.outlet ||
        (other.id !== node.id && device.identity !== null && twin.identity === device.identity);
      if (!isSame) continue;
      const what = twin.outlet === device.outlet ? device.outlet : `identity ${device.identity}`;
      return {
        code: 'E_FENCE_IDENTITY',
        what: `${device.id} is not added to ${node.id}`,
        because: `it is ${twin.id} of ${other.id} (${what})`,
        so:
          other.id === node.id
            ? 'one outlet counted twice would prove a node off whose other supply is on'
            : `fencing ${node.id} would have powered off ${other.id}`,
        try: ['check address and plug of the device', `kennel fence ls ${other.id}`],
      };
    }
  }
  return null;
}

function refusal(
  device: string,
  node: NodeRecord,
  code: Problem['code'],
  because: string,
  steps: readonly string[],
): Problem {
  return {
    code,
    what: `${device} is not added to ${node.id}`,
    because,
    so: 'nothing was stored',
    try: steps,
  };
}

/** Takes a device out of a node's topology; a level that it leaves empty goes with it. */
export function removeFenceDevice(draft: Draft, node: NodeRecord, id: string): Outcome<NodeRecord> {
  const refuse = (code: Problem['code'], because: string): Outcome<NodeRecord> =>
    problem({
      code,
      what: `${id} is not taken from ${node.id}`,
      because,
      so: 'nothing was changed',
      try: [`kennel fence ls ${node.id}`, `kennel explain ${node.id}`],
    });
  const isKnown = node.fenceTopology.some(({ devices }) => devices.some((one) => one.id === id));
  if (!isKnown) return refuse('E_NOT_FOUND', 'it has no fence device of that name');
  if (openFenceOf(draft, node) !== undefined) {
    return refuse('E_CONFLICT', 'an open fence operation may be using it');
  }
  const next: NodeRecord = {
    ...node,
    fenceTopology: node.fenceTopology
      .map((level) => ({ ...level, devices: level.devices.filter((one) => one.id !== id) }))
      .filter((level) => level.devices.length > 0),
    fenceChecks: without(node.fenceChecks, id),
    fenceDrills: without(node.fenceDrills, id),
  };
  draft.put(next);
  draft.event({
    code: 'FENCE_DEVICE_REMOVED',
    severity: 'warning',
    node: node.id,
    vm: null,
    text: `${id} can fence ${node.id} no more`,
  });
  return ok(next);
}

/** Records what a check of a device came to, if that differs from what is recorded. */
export function noteDeviceCheck(
  draft: Draft,
  node: NodeRecord,
  id: string,
  error: DeviceCheck['error'],
): Outcome<null> {
  const known = node.fenceChecks?.[id];
  const isSame = (known?.error?.code ?? null) === (error?.code ?? null);
  const isKnown = node.fenceTopology.some(({ devices }) => devices.some((one) => one.id === id));
  if (isSame || !isKnown) return ok(null);
  const check: DeviceCheck = { error, since: draft.observations.nowWall };
  draft.put({ ...node, fenceChecks: { ...node.fenceChecks, [id]: check } });
  draft.event(
    error === null
      ? {
          code: 'FENCE_DEVICE_READY',
          severity: 'info',
          node: node.id,
          vm: null,
          text: `${id} can be relied on again`,
        }
      : {
          code: 'FENCE_DEVICE_FAILING',
          severity: 'critical',
          node: node.id,
          vm: null,
          text: `${id} could not fence ${node.id} now: ${error.code}, ${error.detail}`,
        },
  );
  return ok(null);
}

/**
 * Opens a fence operation that tries the devices of a node for real. It is proven like any other, and
 * what it measures is kept with the devices. Refused while it would cost somebody something.
 */
export function drillNode(
  draft: Draft,
  node: NodeRecord,
  input: {
    readonly level: number;
    readonly withVms: boolean;
    readonly actor: string;
    readonly reason: string;
  },
): Outcome<FenceOperation> {
  const refuse = (
    code: Problem['code'],
    because: string,
    steps: readonly string[],
  ): Outcome<FenceOperation> =>
    problem({
      code,
      what: `${node.id} is not drilled`,
      because,
      so: 'no command was sent',
      try: steps,
    });
  if (node.phase !== 'online' || node.incarnation === null) {
    return refuse('E_CONFLICT', `it is ${node.phase}, and must be online`, [
      `kennel explain ${node.id}`,
    ]);
  }
  if (node.fenceTopology[input.level - 1] === undefined) {
    return refuse('E_NODE_UNFENCEABLE', `it has no level ${input.level}`, [
      `kennel fence ls ${node.id}`,
    ]);
  }
  const open = draft.nodes().find((other) => openFenceOf(draft, other) !== undefined);
  if (open !== undefined) {
    return refuse('E_CONFLICT', `${open.id} is being fenced`, [`kennel explain ${open.id}`]);
  }
  const held = heldVmsOf(draft, node.incarnation.id);
  if (held.length > 0 && !input.withVms) {
    const names = held.map((vm) => vm.spec.name).join(', ');
    return refuse('E_NODE_HAS_VMS', `it runs ${names}, which would lose power`, [
      `kennel vm stop ${held[0]?.spec.name ?? 'VM'}`,
      'the same command with --with-vms: they are recovered as after a failure',
    ]);
  }
  const fence = openFence(draft, node, {
    kind: 'person',
    actor: input.actor,
    reason: input.reason,
    isDrill: true,
  });
  if (fence === null) return refuse('E_CONFLICT', 'no incarnation of it is admitted', []);
  const next = { ...fence, level: input.level };
  draft.put(next);
  return ok(next);
}

function without<T>(
  entries: Readonly<Record<string, T>> | undefined,
  id: string,
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(entries ?? {}).filter(([key]) => key !== id));
}
