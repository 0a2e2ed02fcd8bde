import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import type { ScreenshotView } from '../schema/guest-stream.ts';
import type { ConsoleLink, ConsoleReader } from '../vm-stream-service.ts';
import type { MaintenanceView } from '../schema/maintenance.ts';
import type { Caller, ClusterService } from '../cluster-service.ts';
import type { Handover, ManagerJoined, ManagersView, ManagerView } from '../schema/managers.ts';
import type { BudgetView, DeviceTestView, FenceDeviceAdded } from '../schema/fencing.ts';
import type { AlertView } from '../schema/alerts.ts';
import type { FailoverExport, GovernorView, SettingView } from '../schema/guards.ts';
import type { Joined } from '../schema/requests.ts';
import type { RuleView, SiteSnapshotView } from '../schema/placement.ts';
import type {
  EventView,
  FailoverView,
  FenceView,
  NodeView,
  StatusView,
  VmView,
  WhyView,
} from '../schema/views.ts';

/** For tests: a service that records what it was asked and answers with fixed views. */
export interface TestService extends ClusterService {
  readonly calls: { readonly method: string; readonly given: readonly unknown[] }[];
  /** Says something to everybody who watches. */
  emit(event: EventView): void;
  /** Who it says leads; itself by default. */
  leads: ReturnType<ClusterService['leader']>;
  /** When set, every change is answered with it. */
  refusal: Problem | null;
  /** Running watches, with what they asked for. */
  readonly watches: ReadonlySet<{ readonly after: number }>;
}

const uuid = '0f4a2c1e-8b7d-4e6f-9a5b-1c2d3e4f5a6b';

export const testVm: VmView = {
  id: uuid,
  name: 'db-1',
  state: 'running',
  desired: 'running',
  node: 'node-1',
  priority: 'high',
  permit: { vm: uuid, node: 'node-1', incarnation: 'boot.1', token: 3 },
  memoryMiB: 512,
  vcpus: 1,
  usage: { cpus: 0.5, memoryMiB: 900 },
  reason: null,
  move: null,
  action: null,
  lock: null,
  acted: [],
  staged: null,
  isProtected: true,
  spec: {
    name: 'db-1',
    vcpus: 1,
    memoryMiB: 512,
    disks: [],
    interfaces: [],
    priority: 'high',
    definition: { kind: 'typed', machine: null, emulated: true },
    consoleLog: null,
    separateFrom: [],
    nodes: [],
    limits: { restarts: 2, relocations: 2 },
  },
};

export const testFence: FenceView = {
  id: 'F-1',
  node: 'node-1',
  bootId: 'b1',
  phase: 'proven',
  requestedBy: 'detector',
  level: 1,
  proof: { kind: 'attested', actor: 'root', reason: 'seen it' },
  attempts: [],
  lastReadings: [],
  awaiting: [],
};

const testBudget: BudgetView = {
  detectMs: 3500,
  levels: [],
  startMs: 10_000,
  usualMs: null,
  worstMs: null,
  selfFenceMs: null,
};

export const testNode: NodeView = {
  name: 'node-1',
  state: 'online',
  address: '192.0.2.1',
  labels: { rack: 'r1' },
  cordoned: false,
  maintenance: false,
  draining: false,
  isolation: 'holding',
  watchdog: null,
  peerHold: null,
  incarnation: 'boot.1',
  bootId: uuid,
  lastSeenMs: 12,
  leaseMs: 4100,
  leaseIsKnown: true,
  hypervisor: 'ok',
  capacity: { memoryMiB: 4096, vcpus: 4 },
  used: { memoryMiB: 512, vcpus: 1 },
  vms: 1,
  readiness: ['power'],
  fenceGrade: 'ready',
  fenceDevices: [],
  budget: testBudget,
  fence: null,
};

export const testManager: ManagerView = {
  name: 'mgr-1',
  number: 1,
  role: 'voter',
  api: '192.0.2.9:7400',
  sessions: '192.0.2.9:7401',
  healthy: true,
  leads: true,
  lastSeenMs: 0,
  behind: 0,
  joinedAt: '2026-11-20T08:00:00.000Z',
};

export const testRule: RuleView = {
  kind: 'rule',
  type: 'apart',
  id: 'pair',
  vms: ['db-1', 'db-2'],
  strict: true,
  enabled: true,
};

export const testSite: SiteSnapshotView = {
  format: 'kennel-site/1',
  nodes: [],
  vms: [],
  rules: [testRule],
  vcpuOvercommit: 8,
  policy: {
    failoverCapacity: null,
    rebalanceOnStart: false,
    enforcement: 'automatic',
    load: 'configured',
    selfMoves: { settleMs: 30_000, maxAtOnce: 2 },
    balance: { mode: 'off', threshold: 0.3, holdRounds: 3, minRelativeGain: 0.1, maxMoves: 4 },
  },
};

const testManagers: ManagersView = {
  leader: 'mgr-1',
  epoch: 4,
  managers: [testManager],
  store: { driver: 'raft', hasQuorum: true, readOnly: null, syncMs: 1, members: [] },
};

export const testHandover: Handover = {
  secrets: { authorityKey: '', clusterKeys: [{ id: '00000001', key: '' }] },
  store: { kind: 'raft' },
  managers: [],
};

const testStatus: StatusView = {
  clusterId: uuid,
  clusterName: 'test',
  health: 'healthy',
  leader: 'mgr-1',
  epoch: 4,
  revision: 88,
  profile: 'default',
  vcpuOvercommit: 8,
  answeredBy: 'mgr-1',
  ageMs: 0,
  managers: [testManager],
  findings: [],
  nodes: [testNode],
  vms: [testVm],
};

const testFailover: FailoverView = {
  id: 'FO-1',
  node: 'node-1',
  fence: 'F-1',
  lastSeenAt: null,
  detectedAt: '2026-11-22T12:00:00.000Z',
  intentAt: '2026-11-22T12:00:00.100Z',
  firstOffAt: null,
  provenAt: null,
  proof: null,
  vms: [],
  outcome: 'open',
  closedAt: null,
  hash: null,
  previousHash: null,
};

const testGovernor: GovernorView = {
  hold: null,
  released: [],
  shot: [],
  allowedAtOnce: 2,
  allowedPerWindow: 4,
};

const testAlert: AlertView = {
  name: 'chat',
  target: 'https://192.0.2.7:443/…',
  kinds: ['fenced'],
  behind: 0,
  lost: 0,
  failures: 0,
  lastError: null,
};

const testSettings: SettingView[] = [
  {
    key: 'governor.window',
    value: 600_000,
    unit: 'ms',
    min: 10_000,
    max: 604_800_000,
    words: null,
    summary: '',
  },
];

const testExport: FailoverExport = {
  format: 'kennel-failovers/1',
  clusterId: uuid,
  chain: null,
  records: [{ failover: { ...testFailover }, fence: null }],
};

const testProbe: FenceDeviceAdded = {
  ok: true,
  identity: uuid,
  power: 'on',
  learned: { cipherSuite: 17 },
  warnings: [],
  latencyMs: 12,
  outlet: 'ipmi 192.0.2.5:623',
  budget: testBudget,
};

const testedDevice: DeviceTestView = {
  device: 'node-1/bmc',
  ok: true,
  error: null,
  identity: uuid,
  power: 'on',
  learned: {},
  warnings: [],
  latencyMs: 12,
};

export const testEvent = (sequence: number): EventView => ({
  sequence,
  code: 'NODE_ONLINE',
  severity: 'info',
  node: 'node-1',
  vm: null,
  text: `event ${sequence}`,
  by: null,
  reason: null,
  at: '2026-11-22T12:00:00.000Z',
});

export const testMaintenance: MaintenanceView = {
  node: 'node-1',
  cordoned: false,
  isHeard: true,
  evacuation: {
    kind: 'maintenance',
    stuck: 'leave',
    since: '2026-11-22T12:00:00.000Z',
    deadline: null,
    by: 'ada',
    reason: null,
  },
  downtime: null,
  state: 'emptying',
  steps: [],
  estimateMs: 0,
  returning: [],
};

const testWhy: WhyView = { vm: 'db-1', node: 'node-1', steps: [], left: 0, now: [] };

const notFound = (what: string): Outcome<never> =>
  problem({ code: 'E_NOT_FOUND', what, because: 'no such name', so: '', try: ['kennel status'] });

export function makeTestService(
  options: { readonly joined?: Joined; readonly managerJoined?: ManagerJoined } = {},
): TestService {
  const calls: { method: string; given: readonly unknown[] }[] = [];
  const watches = new Set<{ after: number; listener: (event: EventView) => void }>();
  const record = <T>(method: string, value: T, ...given: readonly unknown[]): Outcome<T> => {
    calls.push({ method, given });
    return service.refusal === null ? ok(value) : problem(service.refusal);
  };
  const node = async (name: string): Promise<Outcome<NodeView>> =>
    name === 'node-1' ? record('node', testNode, name) : notFound(`there is no node ${name}`);
  const vm = async (name: string): Promise<Outcome<VmView>> =>
    name === 'db-1' ? record('vm', testVm, name) : notFound(`there is no VM ${name}`);
  const ofVm =
    (method: string) =>
    async (...given: readonly unknown[]): Promise<Outcome<VmView>> =>
      record(method, testVm, ...given);
  const token = { token: `kjt1.${'0'.repeat(16)}.x.y`, expiresAt: '2026-11-22T13:00:00.000Z' };
  const joined: Joined = options.joined ?? {
    clusterId: uuid,
    certificate: '',
    certificateAuthority: '',
    managers: ['192.0.2.9:7444'],
  };
  const managerJoined: ManagerJoined = options.managerJoined ?? {
    clusterId: uuid,
    clusterName: 'test',
    profile: 'default',
    number: 2,
    isWitness: false,
    certificate: '',
    certificateAuthority: '',
  };
  const service: TestService = {
    calls,
    watches,
    leads: { name: 'mgr-1', api: testManager.api, isSelf: true },
    refusal: null,
    emit: (event) => {
      for (const watch of watches) watch.listener(event);
    },
    status: async () => record('status', testStatus),
    node,
    vm,
    vmStreams: {
      console: async (name, how, caller, reader) => {
        const answer = record('consoleOfVm', testConsole(reader), name, how, caller);
        return answer;
      },
      screenshot: async (name) => record('screenshotOfVm', testPicture, name),
    },
    vmVerbs: {
      act: ofVm('actOnVm'),
      snapshot: ofVm('snapshotVm'),
      lock: ofVm('lockVm'),
      unlock: ofVm('unlockVm'),
      rename: ofVm('renameVm'),
      clone: ofVm('cloneVm'),
      edit: async (...given) => record('editVm', { vm: testVm, now: [], nextStart: [] }, ...given),
      why: async (name) => record('whyVm', testWhy, name),
    },
    createToken: async (body, caller) => record('createToken', token, body, caller),
    join: async (body) => record('join', joined, body),
    leader: () => service.leads,
    managers: async () => record('managers', testManagers),
    createManagerToken: async (body, caller) => record('createManagerToken', token, body, caller),
    joinManager: async (body) => record('joinManager', managerJoined, body),
    handover: async (to) => record('handover', testHandover, to),
    rebuildManager: async (by) => record('rebuildManager', { number: 4 }, by),
    removeManager: async (name, caller) => record('removeManager', testManager, name, caller),
    removeNode: async (name, caller) => record('removeNode', testNode, name, caller),
    fenceDrivers: async () => record('fenceDrivers', []),
    addFenceDevice: async (...given) => record('addFenceDevice', testProbe, ...given),
    removeFenceDevice: async (...given) => record('removeFenceDevice', testNode, ...given),
    testFence: async (...given) => record('testFence', [testedDevice], ...given),
    drillNode: async (...given) => record('drillNode', testFence, ...given),
    fenceNode: async (...given) => record('fenceNode', testFence, ...given),
    confirmOff: async (...given) => record('confirmOff', testFence, ...given),
    alerts: async () => record('alerts', [testAlert]),
    addAlert: async (...given) => record('addAlert', testAlert, ...given),
    removeAlert: async (...given) => record('removeAlert', testAlert, ...given),
    testAlert: async (name, caller) =>
      record('testAlert', { name, told: true, because: null }, name, caller),
    labelNode: async (...given) => record('labelNode', testNode, ...given),
    unquarantine: async (...given) => record('unquarantine', testNode, ...given),
    governor: async () => record('governor', testGovernor),
    releaseGovernor: async (caller) => record('releaseGovernor', testGovernor, caller),
    disarm: async (body, caller) => record('disarm', { disarmed: null }, body, caller),
    arm: async (caller) => record('arm', { disarmed: null }, caller),
    maintenance: {
      ls: async () => record('maintenance', [testMaintenance]),
      change: async (...given) => record('maintainNode', testMaintenance, ...given),
    },
    settings: async () => record('settings', testSettings),
    changeSettings: async (...given) => record('changeSettings', testSettings, ...given),
    exportFailovers: async () => record('exportFailovers', testExport),
    powerOn: async (name, caller) => record('powerOn', testNode, name, caller),
    createVm: ofVm('createVm'),
    startVm: ofVm('startVm'),
    stopVm: ofVm('stopVm'),
    disableVm: ofVm('disableVm'),
    ignoreVm: ofVm('ignoreVm'),
    moveVm: ofVm('moveVm'),
    cancelMove: ofVm('cancelMove'),
    forgetVm: ofVm('forgetVm'),
    deleteVm: ofVm('deleteVm'),
    adoptVm: ofVm('adoptVm'),
    placement: async () => record('placement', testSite),
    setPlacementPolicy: async (body, caller) => record('setPlacementPolicy', body, body, caller),
    rules: async () => record('rules', [testRule]),
    addRule: async (body, caller) => record('addRule', testRule, body, caller),
    removeRule: async (id, caller) => record('removeRule', testRule, id, caller),
    lastEvents: async (before, limit) =>
      record('lastEvents', [testEvent(7)].slice(0, limit), before, limit),
    events: async (after, limit) =>
      record('events', [testEvent(after + 1)].slice(0, limit), after, limit),
    watchEvents: (after, listener) => {
      const watch = { after, listener };
      watches.add(watch);
      return () => watches.delete(watch);
    },
    failovers: async () => record('failovers', [testFailover]),
    failover: async (id) =>
      id === 'FO-1' ? record('failover', testFailover, id) : notFound(`there is no failover ${id}`),
    explain: async (topic) =>
      record('explain', { topic, facts: ['it is so'], awaiting: [], try: [] }, topic),
    backup: async () => ok('a backup\n'),
    metrics: async () => '# TYPE kennel_up gauge\nkennel_up 1\n',
  };
  return service;
}

const testPicture: ScreenshotView = {
  vm: 'db-1',
  node: 'node-1',
  mime: 'image/x-portable-pixmap',
  data: 'UDYK',
};

/** A guest that says what it is told, and ends with `!`. */
function testConsole(reader: ConsoleReader): ConsoleLink {
  reader.onOutput(Buffer.from('hello\r\n'));
  return {
    node: 'node-1',
    write: (bytes) => {
      reader.onOutput(bytes);
      if (bytes.includes(33)) reader.onEnd('it went away');
    },
    passedOn: () => undefined,
    close: () => undefined,
  };
}

/** The caller that a recorded call ended with. */
export function callerIn(given: readonly unknown[]): Caller {
  return given.at(-1) as Caller;
}
