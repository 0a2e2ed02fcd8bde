import { textHash32 } from '../../../chaos/sim/hash-chain.ts';
import type { CreateVm } from '../../api/schema/requests.ts';
import type { FailoverRecord } from '../../core/model/failover.ts';
import type { FenceOperation } from '../../core/model/fence-operation.ts';
import {
  bootId,
  epoch,
  failoverId,
  fenceId,
  incarnationId,
  nodeId,
  token,
  vmId,
} from '../../core/model/ids.ts';
import type { FenceDevice, Incarnation, NodeRecord } from '../../core/model/node.ts';
import { defaultLimits, noTries } from '../../core/model/vm.ts';
import type { VmRecord, VmSpec } from '../../core/model/vm.ts';
import type { ClusterKeys } from '../../pki/cluster-keys.ts';

export const testCluster = '11111111-1111-4111-8111-111111111111';

/** Keys of the test cluster. */
export const testKeys: ClusterKeys = [
  { id: '0000000a', key: Buffer.alloc(32, 7).toString('base64') },
];

/** A UUID that shows its number. */
export const uuidOf = (number: number): string =>
  `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** The incarnation of one start of an agent within one boot of a node; UUIDs as on the wire. */
export function incarnationOf(node: string, boot = 1, start = 1): Incarnation {
  const digits = textHash32(node) % 1_000_000;
  const id = bootId(uuidOf(digits * 1000 + boot));
  return { id: incarnationId(`${id}.${start}`), bootId: id, isolation: 'holding' };
}

export const fakeDevice = (node: string, change: Partial<FenceDevice> = {}): FenceDevice => ({
  id: `${node}/bmc`,
  driver: 'fake',
  settings: { device: `${node}/bmc` },
  identity: `guid-${node}/bmc`,
  settleMs: 2000,
  outlet: `fake ${node}/bmc`,
  ...change,
});

/** An enrolled node with one fence device, not admitted yet. */
export const nodeRecord = (name: string, change: Partial<NodeRecord> = {}): NodeRecord => ({
  kind: 'node',
  id: nodeId(name),
  machineId: `machine-${name}`,
  address: `${name}.example`,
  capacity: { memoryMiB: 0, vcpus: 0 },
  labels: {},
  phase: 'joining',
  cordoned: false,
  incarnation: null,
  fence: null,
  fenceTopology: [{ devices: [fakeDevice(name)] }],
  certificateFingerprint: `print-${name}`,
  ...change,
});

/** As `nodeRecord`, admitted with its first incarnation. */
export const onlineNode = (name: string, change: Partial<NodeRecord> = {}): NodeRecord =>
  nodeRecord(name, {
    phase: 'online',
    incarnation: incarnationOf(name),
    capacity: { memoryMiB: 16_384, vcpus: 16 },
    ...change,
  });

export const vmSpec = (name: string, change: Partial<VmSpec> = {}): VmSpec => ({
  name,
  vcpus: 1,
  memoryMiB: 512,
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
  limits: defaultLimits,
  ...change,
});

export const vmRecord = (number: number, change: Partial<VmRecord> = {}): VmRecord => ({
  kind: 'vm',
  id: vmId(uuidOf(number)),
  spec: vmSpec(`vm-${number}`),
  desired: 'running',
  phase: 'stopped',
  permit: null,
  lastToken: token(0),
  operation: null,
  home: null,
  tries: noTries,
  failover: null,
  reason: null,
  move: null,
  strays: [],
  asked: null,
  deleting: false,
  adopting: false,
  ...change,
});

/** A VM that runs by its first permit on the first incarnation of a node. */
export function runningVm(number: number, node: string, change: Partial<VmRecord> = {}): VmRecord {
  const permit = {
    vm: vmId(uuidOf(number)),
    node: nodeId(node),
    incarnation: incarnationOf(node).id,
    token: token(1),
  };
  return vmRecord(number, { phase: 'running', permit, lastToken: token(1), ...change });
}

export const fenceOperation = (
  number: number,
  node: string,
  change: Partial<FenceOperation> = {},
): FenceOperation => ({
  kind: 'fence',
  id: fenceId(`F-${number}`),
  node: nodeId(node),
  incarnation: incarnationOf(node),
  phase: 'intent',
  epoch: epoch(1),
  requestedBy: { kind: 'detector', evidence: [] },
  override: false,
  attempts: [],
  proof: null,
  revoked: [],
  distrusted: [],
  level: 1,
  told: [],
  failover: failoverId(`FO-${number}`),
  ...change,
});

export const failoverRecord = (
  number: number,
  node: string,
  change: Partial<FailoverRecord> = {},
): FailoverRecord => ({
  kind: 'failover',
  id: failoverId(`FO-${number}`),
  node: nodeId(node),
  fence: fenceId(`F-${number}`),
  lastSeenAt: null,
  detectedAt: '2026-01-01T00:00:00.000Z',
  intentAt: null,
  firstOffAt: null,
  provenAt: null,
  proof: null,
  vms: [],
  outcome: 'open',
  closedAt: null,
  hash: null,
  previousHash: null,
  ...change,
});

/** The body of a request for a new VM. */
export function newVm(
  name: string,
  change: Partial<CreateVm> = {},
  spec: Partial<VmSpec> = {},
): CreateVm {
  const made = vmSpec(name, spec);
  const arrays = {
    disks: [...made.disks],
    interfaces: [...made.interfaces],
    separateFrom: [...made.separateFrom],
    nodes: [...made.nodes],
  };
  return { id: null, spec: { ...made, ...arrays }, desired: 'running', node: null, ...change };
}
