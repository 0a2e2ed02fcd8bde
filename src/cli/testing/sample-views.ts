import type { BudgetView, FenceDeviceView } from '../../api/schema/fencing.ts';
import type { ManagerView } from '../../api/schema/managers.ts';
import type {
  EventView,
  FailoverView,
  FenceView,
  NodeView,
  StatusView,
  VmView,
} from '../../api/schema/views.ts';

/** Fixed views for tests of what is printed. */

export const sampleBudget: BudgetView = {
  detectMs: 3500,
  levels: [
    { level: 1, devices: ['node-1/bmc'], delayMs: 0, budgetMs: 45_000, settleMs: 2000 },
    {
      level: 2,
      devices: ['node-1/pdu-a', 'node-1/pdu-b'],
      delayMs: 5000,
      budgetMs: 60_000,
      settleMs: 2000,
    },
  ],
  startMs: 10_000,
  usualMs: 15_500,
  worstMs: 125_500,
  selfFenceMs: null,
};

export function sampleDevice(fields: Partial<FenceDeviceView> & { readonly id: string }) {
  return {
    level: 1,
    driver: 'ipmi',
    settings: { host: '10.0.9.7', port: 623, user: 'kennel' },
    identity: '36ae0f7c-1111-4222-8333-944455556666',
    outlet: 'ipmi 10.0.9.7:623',
    settleMs: 2000,
    error: null,
    errorSince: null,
    lastCheck: null,
    drill: null,
    ...fields,
  };
}

export function sampleNode(fields: Partial<NodeView> & { readonly name: string }): NodeView {
  return {
    state: 'online',
    address: '10.0.0.11',
    labels: {},
    cordoned: false,
    maintenance: false,
    draining: false,
    isolation: 'holding',
    watchdog: null,
    peerHold: null,
    incarnation: 'b0.n1',
    bootId: 'b0b0b0b0-0000-4000-8000-000000000001',
    lastSeenMs: 212,
    leaseMs: 4130,
    leaseIsKnown: true,
    hypervisor: 'ok',
    capacity: { memoryMiB: 65_536, vcpus: 32 },
    used: { memoryMiB: 8192, vcpus: 6 },
    vms: 2,
    readiness: ['power'],
    fenceGrade: 'ready',
    fenceDevices: [],
    budget: sampleBudget,
    fence: null,
    ...fields,
  };
}

export function sampleVm(fields: Partial<VmView> & { readonly name: string }): VmView {
  return {
    id: '6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001',
    state: 'running',
    desired: 'running',
    node: 'node-1',
    priority: 'medium',
    permit: {
      vm: '6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001',
      node: 'node-1',
      incarnation: 'b0.n1',
      token: 7,
    },
    memoryMiB: 2048,
    vcpus: 2,
    usage: { cpus: 0.31, memoryMiB: 1210 },
    reason: null,
    move: null,
    action: null,
    lock: null,
    acted: [],
    staged: null,
    isProtected: true,
    spec: {
      name: fields.name,
      vcpus: 2,
      memoryMiB: 2048,
      disks: [
        {
          source: { kind: 'nbd', host: 'store-1', port: 10_809, export: fields.name },
          format: 'raw',
          bus: 'virtio',
          readOnly: false,
        },
      ],
      interfaces: [
        {
          mac: '52:54:00:12:34:56',
          attach: { kind: 'bridge', bridge: 'br0' },
          model: 'virtio',
        },
      ],
      priority: 'medium',
      definition: { kind: 'typed', machine: null, emulated: false },
      consoleLog: null,
      separateFrom: [],
      nodes: [],
      limits: { restarts: 2, relocations: 2 },
    },
    ...fields,
  };
}

export const openFence: FenceView = {
  id: 'F-12',
  node: 'node-7',
  bootId: '7f0c',
  phase: 'acting',
  requestedBy: 'detector',
  level: 1,
  proof: null,
  attempts: [
    {
      device: 'bmc',
      action: 'off',
      outcome: 'unknown',
      error: 'TIMEOUT',
      detail: 'no answer in 10 s',
    },
  ],
  lastReadings: [{ device: 'bmc', power: 'unknown', ageMs: 3400, error: 'TIMEOUT' }],
  awaiting: ['3 Off readings of bmc over 2 s', 'or: kennel node confirm-off node-7 --reason "…"'],
};

/** The second one leads. */
export function sampleManager(number: number, change: Partial<ManagerView> = {}): ManagerView {
  return {
    name: `mgr-${number}`,
    number,
    role: 'voter',
    api: `10.0.0.${number}:7400`,
    sessions: `10.0.0.${number}:7401`,
    healthy: true,
    leads: number === 2,
    lastSeenMs: number === 2 ? 0 : 400,
    behind: 0,
    joinedAt: '2026-11-20T08:00:00.000Z',
    ...change,
  };
}

export const healthyStatus: StatusView = {
  clusterId: '0c9a3f0a-3b52-4a55-9a86-0d3c8b8f0000',
  clusterName: 'prod',
  health: 'healthy',
  leader: 'mgr-2',
  epoch: 41,
  revision: 88_213,
  profile: 'default',
  vcpuOvercommit: 8,
  answeredBy: 'mgr-2',
  ageMs: 0,
  managers: [1, 2, 3].map((number) => sampleManager(number)),
  findings: [],
  nodes: [
    sampleNode({ name: 'node-1' }),
    sampleNode({ name: 'node-2', leaseMs: 3990, vms: 1, readiness: ['power', 'self'] }),
  ],
  vms: [
    sampleVm({ name: 'db-1', priority: 'high' }),
    sampleVm({ name: 'mail', node: 'node-2' }),
    sampleVm({ name: 'old', state: 'stopped', desired: 'stopped', node: null, permit: null }),
  ],
};

export const degradedStatus: StatusView = {
  ...healthyStatus,
  health: 'degraded',
  findings: [
    {
      code: 'NODE_UNPROTECTED',
      severity: 'warning',
      subject: 'node-3',
      text: 'has no verified fence device: its VMs wait for a person when it is lost',
      try: ['kennel fence add node-3/bmc --driver ipmi --host HOST --user USER'],
    },
    {
      code: 'FENCE_PENDING',
      severity: 'critical',
      subject: 'node-7',
      text: 'level 1 (ipmi) gave no answer in 12 s, trying level 2; selfFence holds at 09:41:12; waiting: db-1 db-2 mail',
      try: ['kennel explain node-7', 'kennel node confirm-off node-7 --reason "…"'],
    },
  ],
  nodes: [
    sampleNode({ name: 'node-1' }),
    sampleNode({ name: 'node-3', readiness: [], cordoned: true, vms: 1 }),
    sampleNode({
      name: 'node-7',
      state: 'fencing',
      leaseMs: null,
      lastSeenMs: 18_400,
      vms: 3,
      readiness: ['power', 'self'],
      fence: openFence,
      fenceDevices: [sampleDevice({ id: 'node-7/bmc' })],
    }),
  ],
  vms: [
    sampleVm({ name: 'db-1', priority: 'high' }),
    sampleVm({
      name: 'db-2',
      state: 'waitingProof',
      node: 'node-7',
      priority: 'high',
      reason: 'node-7 is not proven dead: needs powerOff, selfFence, newBoot or confirm-off',
    }),
    sampleVm({ name: 'web', node: 'node-3', isProtected: false }),
  ],
};

export const sampleFailover: FailoverView = {
  id: 'FO-1',
  node: 'node-7',
  fence: 'F-12',
  lastSeenAt: '2026-11-22T09:40:54.120Z',
  detectedAt: '2026-11-22T09:40:57.132Z',
  intentAt: '2026-11-22T09:40:57.150Z',
  firstOffAt: '2026-11-22T09:40:58.020Z',
  provenAt: '2026-11-22T09:41:00.240Z',
  proof: {
    kind: 'powerOff',
    devices: [
      {
        device: 'bmc',
        identity: '36ae0f7c-1111-4222-8333-944455556666',
        settleMs: 2000,
        readings: [
          { device: 'bmc', atMs: 1000, power: 'off', identity: null },
          { device: 'bmc', atMs: 2100, power: 'off', identity: null },
          { device: 'bmc', atMs: 3220, power: 'off', identity: null },
        ],
      },
    ],
    silentMs: 6120,
  },
  vms: [
    {
      vm: '6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001',
      name: 'db-1',
      from: 'node-7',
      to: 'node-1',
      placement: 'most free memory (57344 MiB); node-3 refused: cordoned',
      placedAt: '2026-11-22T09:41:00.262Z',
      startedAt: '2026-11-22T09:41:01.470Z',
      failure: null,
    },
    {
      vm: '6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0002',
      name: 'big',
      from: 'node-7',
      to: null,
      placement: null,
      placedAt: null,
      startedAt: null,
      failure: 'no node has 128GiB free',
    },
  ],
  outcome: 'completed',
  closedAt: '2026-11-22T09:41:01.500Z',
  hash: '1f3c9a',
  previousHash: null,
};

export const sampleEvents: readonly EventView[] = [
  {
    sequence: 1,
    code: 'CLUSTER_MADE',
    severity: 'info',
    node: null,
    vm: null,
    text: 'cluster prod made',
    by: null,
    reason: null,
    at: '2026-11-22T09:00:00.000Z',
  },
  {
    sequence: 2,
    code: 'NODE_SUSPECT',
    severity: 'warning',
    node: 'node-7',
    vm: null,
    text: 'silent for 1.2 s',
    by: null,
    reason: null,
    at: '2026-11-22T09:40:55.400Z',
  },
  {
    sequence: 3,
    code: 'VM_RECOVERED',
    severity: 'critical',
    node: 'node-1',
    vm: '6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001',
    text: 'db-1 runs again\u001b[2J',
    by: null,
    reason: null,
    at: '2026-11-22T09:41:01.470Z',
  },
];
