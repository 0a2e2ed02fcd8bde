import { keyOf } from '../../src/core/cluster-state.ts';
import type { ClusterObject } from '../../src/core/cluster-state.ts';
import type { FailoverRecord } from '../../src/core/model/failover.ts';
import type { FenceOperation } from '../../src/core/model/fence-operation.ts';
import {
  bootId,
  epoch,
  failoverId,
  fenceId,
  incarnationId,
  nodeId,
  token,
  vmId,
} from '../../src/core/model/ids.ts';
import type { Incarnation, NodeRecord } from '../../src/core/model/node.ts';
import {
  defaultSettings,
  type ClusterSettings,
  type DetectionProfile,
} from '../../src/core/model/settings.ts';
import { lockKinds, type LockKind } from '../../src/core/model/vm-lock.ts';
import { noTries } from '../../src/core/model/vm.ts';
import type { VmRecord, VmSpec } from '../../src/core/model/vm.ts';
import { decodeObject, encodeObject } from '../../src/manager/object-codec.ts';
import type { Write } from '../../src/store/store.ts';
import type { Names } from './names.ts';
import type { Scenario, ScenarioService } from './schema.ts';

const mebibyte = 1024 * 1024;

/** What a service of the file, or one that it adds later, is made from. */
export type ServiceSeed = Pick<
  ScenarioService,
  'id' | 'type' | 'node' | 'desired' | 'usage' | 'max_restart' | 'max_relocate' | 'failback'
>;

/** The spec of a service's VM. */
export function specOfService(service: ServiceSeed, names: Names): VmSpec {
  const name = names.vmName(service.id);
  return {
    name,
    ...sizeOf(service.usage),
    disks: [
      {
        source: { kind: 'sharedFile', path: `/vms/${name}.qcow2` },
        format: 'qcow2',
        bus: 'virtio',
        readOnly: false,
      },
    ],
    interfaces: [],
    priority: 'medium',
    definition: { kind: 'typed', machine: null, emulated: false },
    consoleLog: null,
    separateFrom: [],
    nodes: [],
    limits: { restarts: service.max_restart, relocations: service.max_relocate },
    // A container is moved by a stop and a start.
    ...(service.type === 'container' ? { onEvacuation: 'restart' as const } : {}),
    selfMoves: {
      way: service.type === 'container' ? 'cold' : 'live',
      failback: service.failback,
    },
  };
}

/** Its size as it is configured. */
export function sizeOf(usage: ServiceSeed['usage']): Pick<VmSpec, 'vcpus' | 'memoryMiB'> {
  const memoryBytes = usage?.memory_bytes ?? 512 * mebibyte;
  return {
    vcpus: Math.max(1, Math.ceil(usage?.cpus ?? 1)),
    memoryMiB: Math.max(1, Math.ceil(memoryBytes / mebibyte)),
  };
}

/** Names of the other system's locks that stand for work of the node. */
const foreignLocks: Readonly<Record<string, LockKind>> = {
  'snapshot-delete': 'snapshot',
  mounted: 'snapshot',
  suspending: 'suspend',
  suspended: 'suspend',
};

/** A lock without a name is a backup's there; one that nobody knows is not taken off by itself. */
export function lockKind(name = 'backup'): LockKind {
  return foreignLocks[name] ?? lockKinds.find((kind) => kind === name) ?? 'hold';
}

function lockOf({ lock, node }: ScenarioService, names: Names): Pick<VmRecord, 'lock'> {
  if (lock === undefined) return {};
  const at = '2026-01-01T00:00:00.000Z';
  const kind = lockKind(lock);
  return { lock: { kind, by: 'person', at, reason: null, node: nodeId(names.simNode(node)) } };
}

/** What `x-kennel` says of its start and its guest. */
function guestOf(scenario: Scenario, id: string, names: Names): Pick<VmSpec, 'after' | 'guest'> {
  const plan = scenario['x-kennel']?.guests[id];
  if (plan === undefined) return {};
  const after = plan.after.map((one) => ({ ...one, vm: names.vmName(one.vm) }));
  return { after, guest: plan.guest };
}

/** Committed records of the services at the start of a scenario: off, each at home on its node. */
export function serviceRecords(scenario: Scenario, names: Names): readonly VmRecord[] {
  return scenario.services.map((service) => ({
    kind: 'vm',
    id: vmId(names.vmId(service.id)),
    spec: { ...specOfService(service, names), ...guestOf(scenario, service.id, names) },
    desired: service.desired,
    phase: 'stopped',
    permit: null,
    lastToken: token(0),
    operation: null,
    home: nodeId(names.simNode(believedHome(scenario, service))),
    tries: noTries,
    failover: null,
    reason: null,
    move: null,
    strays: [],
    asked: null,
    deleting: false,
    adopting: false,
    ...lockOf(service, names),
  }));
}

/** A VM that was being moved while it is off goes to where it was being moved. */
function believedHome(scenario: Scenario, { id, node }: ServiceSeed): string {
  const belief = scenario.initial_manager_state?.services[id];
  return belief?.status === 'moving' ? (belief.target ?? node) : node;
}

/** How the file's cluster chooses nodes, as a setting of the product. */
export function settingsOf(scenario: Scenario, detection: DetectionProfile): ClusterSettings {
  const settings = defaultSettings(detection);
  const { placement, shutdown: shutdownPolicy = settings.shutdownPolicy } =
    scenario.cluster.policies;
  const rebalanceOnStart = placement?.rebalance_on_start ?? false;
  const load = placement?.mode === 'measured-usage' ? 'measured' : 'configured';
  const balance = balanceOf(placement?.auto_rebalance, settings.placement.balance);
  return {
    ...settings,
    shutdownPolicy,
    placement: { ...settings.placement, rebalanceOnStart, load, balance },
  };
}

type Balance = ClusterSettings['placement']['balance'];

function balanceOf(
  asked: NonNullable<Scenario['cluster']['policies']['placement']>['auto_rebalance'],
  otherwise: Balance,
): Balance {
  if (asked === undefined) return otherwise;
  return {
    ...otherwise,
    mode: 'automatic',
    threshold: asked.threshold ?? otherwise.threshold,
    holdRounds: asked.hold_rounds ?? otherwise.holdRounds,
    minRelativeGain: asked.min_relative_gain ?? otherwise.minRelativeGain,
  };
}

/**
 * What a manager that died before the start had committed: a fence intent for each node that it
 * was fencing, and the permits of the VMs that wait for it. `online`, `offline` and VMs that are
 * `active` or `stopped` say nothing about nodes without power, so they leave no record.
 */
export function believedRecords(
  scenario: Scenario,
  nodes: readonly NodeRecord[],
  vms: readonly VmRecord[],
  names: Names,
): readonly ClusterObject[] {
  const state = scenario.initial_manager_state;
  if (state === undefined) return [];
  const objects: ClusterObject[] = [];
  const fencing = Object.keys(state.nodes).filter((name) => state.nodes[name] === 'fencing');
  for (const [index, name] of fencing.entries()) {
    const node = nodes.find((one) => one.id === names.simNode(name));
    if (node === undefined) continue;
    const boot = `boot-before-the-start-${index + 1}`;
    const incarnation: Incarnation = {
      id: incarnationId(`${boot}.agent`),
      bootId: bootId(boot),
      isolation: 'holding',
    };
    const held = vms.filter((vm) => {
      const service = names.serviceOf(vm.id);
      const belief = service === null ? undefined : state.services[service];
      return belief?.node === name && belief.status === 'awaiting-fence';
    });
    const { fence, failover } = intentRecords(index + 1, node, incarnation, held);
    objects.push({ ...node, phase: 'fencing', incarnation, fence: fence.id }, fence, failover);
    for (const vm of held) objects.push(heldRecord(vm, node, incarnation));
  }
  for (const node of nodes) {
    if (state.nodes[names.scenarioNode(node.id)] !== 'maintenance') continue;
    objects.push(wentDown(node, scenario));
  }
  if (fencing.length > 0)
    objects.push({ kind: 'counters', fence: fencing.length, token: token(0) });
  return objects;
}

/** A node that was emptied because it went down, as the manager of before had it. */
function wentDown(node: NodeRecord, scenario: Scenario): NodeRecord {
  const since = '2026-01-01T00:00:00.000Z';
  const shutdown = scenario.cluster.policies.shutdown ?? 'conditional';
  return {
    ...node,
    evacuation: { kind: 'shutdown', stuck: 'leave', since, deadline: null, by: null, reason: null },
    downtime: {
      kind: 'shutdown',
      policy: shutdown === 'conditional' ? 'failover' : shutdown,
      bootId: bootId('boot-before-the-start'),
      since,
      isAsked: false,
    },
  };
}

function heldRecord(vm: VmRecord, node: NodeRecord, incarnation: Incarnation): VmRecord {
  const first = token(1);
  return {
    ...vm,
    phase: 'running',
    permit: { vm: vm.id, node: node.id, incarnation: incarnation.id, token: first },
    lastToken: first,
  };
}

function intentRecords(
  number: number,
  node: NodeRecord,
  incarnation: Incarnation,
  held: readonly VmRecord[],
): { readonly fence: FenceOperation; readonly failover: FailoverRecord } {
  const ids = { fence: fenceId(`F-${number}`), failover: failoverId(`FO-${number}`) };
  const fence: FenceOperation = {
    kind: 'fence',
    id: ids.fence,
    node: node.id,
    incarnation,
    phase: 'intent',
    epoch: epoch(0),
    requestedBy: { kind: 'detector', evidence: [{ channel: 'session', silentMs: null }] },
    override: false,
    attempts: [],
    proof: null,
    revoked: [],
    distrusted: [],
    level: 1,
    told: [],
    failover: ids.failover,
  };
  const failover: FailoverRecord = {
    kind: 'failover',
    id: ids.failover,
    node: node.id,
    fence: ids.fence,
    lastSeenAt: null,
    detectedAt: '2026-01-01T00:00:00.000Z',
    intentAt: null,
    firstOffAt: null,
    provenAt: null,
    proof: null,
    vms: held.map((vm) => ({
      vm: vm.id,
      name: vm.spec.name,
      from: node.id,
      to: null,
      placement: null,
      placedAt: null,
      startedAt: null,
      failure: null,
    })),
    outcome: 'open',
    closedAt: null,
    hash: null,
    previousHash: null,
  };
  return { fence, failover };
}

/** Puts of these objects; a later one of the same key replaces an earlier one. */
export function putsOf(objects: readonly ClusterObject[]): readonly Write[] {
  const last = new Map(objects.map((object) => [keyOf(object), object]));
  return [...last].map(([key, object]) => ({ kind: 'put', key, value: encodeObject(object) }));
}

/** The node records among the writes of an enrolment. */
export function nodeRecordsOf(writes: readonly Write[]): readonly NodeRecord[] {
  return writes.flatMap((write) => {
    if (write.kind !== 'put' || !write.key.startsWith('node/')) return [];
    const object = decodeObject(write.value);
    return object?.kind === 'node' ? [object] : [];
  });
}
