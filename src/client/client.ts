import type { Duplex } from 'node:stream';
import type { ScreenshotView } from '../api/schema/guest-stream.ts';
import type { CreateManagerToken, ManagersView, ManagerView } from '../api/schema/managers.ts';
import type { NewRule, PolicyView, RuleView, SiteSnapshotView } from '../api/schema/placement.ts';
import type {
  AddFenceDevice,
  DeviceTestView,
  DrillNode,
  FenceDeviceAdded,
  FenceDriverView,
  TestFence,
} from '../api/schema/fencing.ts';
import type {
  ActOnVm,
  LockVm,
  AdoptVm,
  CloneVm,
  ConfirmOff,
  CreateToken,
  CreateVm,
  EditVm,
  FenceNode,
  MoveVm,
  RenameVm,
  StopVm,
  TokenCreated,
} from '../api/schema/requests.ts';
import type { SnapshotVm } from '../api/schema/snapshot.ts';
import type {
  EventView,
  ExplanationView,
  FailoverView,
  FenceView,
  NodeView,
  StatusView,
  VmEditedView,
  VmView,
  WhyView,
} from '../api/schema/views.ts';
import type { ArmingView, Disarm } from '../api/schema/arming.ts';
import type { AddAlert, AlertTestView, AlertView } from '../api/schema/alerts.ts';
import type {
  ChangeSettings,
  FailoverExport,
  GovernorView,
  LabelNode,
  SettingView,
} from '../api/schema/guards.ts';
import type { MaintainNode, MaintenanceView } from '../api/schema/maintenance.ts';
import { ok, type Outcome } from '../core/problem.ts';
import type { Answer, AnswerForm } from './answer-schemas.ts';
import { routeTo, type Connection } from './connection.ts';
import type { CallOptions } from './deadline.ts';
import type { ApiRequest } from './exchange.ts';
import { jsonOf, parseAnswer, problemOf } from './parse-answer.ts';
import { openConsole, type ConsoleOptions } from './open-console.ts';
import type { Route } from './route.ts';
import { watchEvents, type WatchOptions } from './watch-events.ts';

export interface ChangeOptions extends CallOptions {
  /** Answers what would be, and changes nothing. */
  readonly dryRun?: boolean;
  /** Why; kept with the events of the change. */
  readonly reason?: string | null;
}

/** One method per route, named as in `ClusterService`. No method rejects. */
export interface Client {
  status(options?: CallOptions): Promise<Outcome<StatusView>>;
  nodes(options?: CallOptions): Promise<Outcome<readonly NodeView[]>>;
  node(name: string, options?: CallOptions): Promise<Outcome<NodeView>>;
  vms(options?: CallOptions): Promise<Outcome<readonly VmView[]>>;
  vm(nameOrId: string, options?: CallOptions): Promise<Outcome<VmView>>;
  events(
    after: number,
    limit: number,
    options?: CallOptions,
  ): Promise<Outcome<readonly EventView[]>>;
  /** The last so many events before this sequence number (null = of all), oldest first. */
  lastEvents(
    before: number | null,
    limit: number,
    options?: CallOptions,
  ): Promise<Outcome<readonly EventView[]>>;
  screenshotOfVm(vm: string, options?: CallOptions): Promise<Outcome<ScreenshotView>>;
  /** The serial console of a VM, until either side ends it. */
  consoleOfVm(vm: string, how: ConsoleOptions): Promise<Outcome<Duplex>>;
  /** See `watchEvents`; the iteration throws `KennelError` when it cannot go on. */
  watchEvents(after: number, options?: WatchOptions): AsyncIterable<EventView>;
  failovers(options?: CallOptions): Promise<Outcome<readonly FailoverView[]>>;
  failover(id: string, options?: CallOptions): Promise<Outcome<FailoverView>>;
  managers(options?: CallOptions): Promise<Outcome<ManagersView>>;
  fenceDrivers(options?: CallOptions): Promise<Outcome<readonly FenceDriverView[]>>;
  /** See `ClusterService.placement`. */
  placement(options?: CallOptions): Promise<Outcome<SiteSnapshotView>>;
  rules(options?: CallOptions): Promise<Outcome<readonly RuleView[]>>;
  whyVm(vm: string, options?: CallOptions): Promise<Outcome<WhyView>>;
  explain(topic: string, options?: CallOptions): Promise<Outcome<ExplanationView>>;
  /** See `ClusterService.backup`. */
  backup(options?: CallOptions): Promise<Outcome<string>>;
  metrics(options?: CallOptions): Promise<Outcome<string>>;
  /** The OpenAPI document, as JSON text. */
  openapi(options?: CallOptions): Promise<Outcome<string>>;
  governor(options?: CallOptions): Promise<Outcome<GovernorView>>;
  maintenance(options?: CallOptions): Promise<Outcome<readonly MaintenanceView[]>>;
  settings(options?: CallOptions): Promise<Outcome<readonly SettingView[]>>;
  exportFailovers(options?: CallOptions): Promise<Outcome<FailoverExport>>;
  alerts(options?: CallOptions): Promise<Outcome<readonly AlertView[]>>;
  addAlert(name: string, body: AddAlert, options?: ChangeOptions): Promise<Outcome<AlertView>>;
  removeAlert(name: string, options?: ChangeOptions): Promise<Outcome<AlertView>>;
  testAlert(name: string, options?: ChangeOptions): Promise<Outcome<AlertTestView>>;
  labelNode(node: string, body: LabelNode, options?: ChangeOptions): Promise<Outcome<NodeView>>;
  unquarantine(node: string, options?: ChangeOptions): Promise<Outcome<NodeView>>;
  maintainNode(
    node: string,
    body: MaintainNode,
    options?: ChangeOptions,
  ): Promise<Outcome<MaintenanceView>>;
  releaseGovernor(options?: ChangeOptions): Promise<Outcome<GovernorView>>;
  disarm(body: Disarm, options?: ChangeOptions): Promise<Outcome<ArmingView>>;
  arm(options?: ChangeOptions): Promise<Outcome<ArmingView>>;
  changeSettings(
    body: ChangeSettings,
    options?: ChangeOptions,
  ): Promise<Outcome<readonly SettingView[]>>;
  createToken(body: CreateToken, options?: ChangeOptions): Promise<Outcome<TokenCreated>>;
  createManagerToken(
    body: CreateManagerToken,
    options?: ChangeOptions,
  ): Promise<Outcome<TokenCreated>>;
  removeManager(name: string, options?: ChangeOptions): Promise<Outcome<ManagerView>>;
  removeNode(name: string, options?: ChangeOptions): Promise<Outcome<NodeView>>;
  addFenceDevice(
    node: string,
    body: AddFenceDevice,
    options?: ChangeOptions,
  ): Promise<Outcome<FenceDeviceAdded>>;
  removeFenceDevice(
    node: string,
    device: string,
    options?: ChangeOptions,
  ): Promise<Outcome<NodeView>>;
  testFence(
    node: string,
    body: TestFence,
    options?: ChangeOptions,
  ): Promise<Outcome<readonly DeviceTestView[]>>;
  drillNode(node: string, body: DrillNode, options?: ChangeOptions): Promise<Outcome<FenceView>>;
  fenceNode(node: string, body: FenceNode, options?: ChangeOptions): Promise<Outcome<FenceView>>;
  confirmOff(node: string, body: ConfirmOff, options?: ChangeOptions): Promise<Outcome<FenceView>>;
  powerOn(node: string, options?: ChangeOptions): Promise<Outcome<NodeView>>;
  setPlacementPolicy(body: PolicyView, options?: ChangeOptions): Promise<Outcome<PolicyView>>;
  addRule(body: NewRule, options?: ChangeOptions): Promise<Outcome<RuleView>>;
  removeRule(id: string, options?: ChangeOptions): Promise<Outcome<RuleView>>;
  createVm(body: CreateVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  startVm(vm: string, options?: ChangeOptions): Promise<Outcome<VmView>>;
  stopVm(vm: string, body: StopVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  disableVm(vm: string, body: StopVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  ignoreVm(vm: string, options?: ChangeOptions): Promise<Outcome<VmView>>;
  forgetVm(vm: string, options?: ChangeOptions): Promise<Outcome<VmView>>;
  deleteVm(vm: string, options?: ChangeOptions): Promise<Outcome<VmView>>;
  actOnVm(vm: string, body: ActOnVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  snapshotVm(vm: string, body: SnapshotVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  renameVm(vm: string, body: RenameVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  cloneVm(vm: string, body: CloneVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  editVm(vm: string, body: EditVm, options?: ChangeOptions): Promise<Outcome<VmEditedView>>;
  lockVm(vm: string, body: LockVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  unlockVm(vm: string, options?: ChangeOptions): Promise<Outcome<VmView>>;
  moveVm(vm: string, body: MoveVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  cancelMove(vm: string, options?: ChangeOptions): Promise<Outcome<VmView>>;
  adoptVm(body: AdoptVm, options?: ChangeOptions): Promise<Outcome<VmView>>;
  /** Ends running calls and watches. */
  close(): Promise<void>;
}

/**
 * A client of a cluster. Whichever manager answers serves its reads, the leader its changes. Connects
 * with the first call; opening costs nothing.
 */
export function openClient(connection: Connection): Client {
  const closing = new AbortController();
  const route = routeTo(connection);
  return {
    ...reads(route, closing.signal),
    ...changes(route, closing.signal),
    watchEvents: (after, options = {}) =>
      watchEvents(route, after, { ...options, signal: joined(options, closing.signal) }),
    consoleOfVm: (vm, how) =>
      openConsole(route, vm, { ...how, signal: joined(how, closing.signal) }),
    close: async () => closing.abort(),
  };
}

const joined = (options: CallOptions, closing: AbortSignal): AbortSignal =>
  options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]);

type Reads = Pick<
  Client,
  | 'status'
  | 'nodes'
  | 'node'
  | 'vms'
  | 'vm'
  | 'events'
  | 'lastEvents'
  | 'failovers'
  | 'failover'
  | 'managers'
  | 'fenceDrivers'
  | 'governor'
  | 'settings'
  | 'maintenance'
  | 'exportFailovers'
  | 'alerts'
  | 'whyVm'
  | 'screenshotOfVm'
  | 'explain'
  | 'placement'
  | 'rules'
  | 'backup'
  | 'metrics'
  | 'openapi'
>;

function reads(route: Route, closing: AbortSignal): Reads {
  const ask = (path: string, options: CallOptions = {}) =>
    route.call(
      { method: 'GET', path, body: undefined, changes: false },
      { ...options, signal: joined(options, closing) },
    );
  const get = async <F extends AnswerForm>(
    path: string,
    form: F,
    options?: CallOptions,
  ): Promise<Outcome<Answer<F>>> => {
    const raw = await ask(path, options);
    return raw.kind === 'problem' ? raw : parseAnswer(raw.value.who, raw.value.answer, form);
  };
  const text = async (path: string, options?: CallOptions): Promise<Outcome<string>> => {
    const raw = await ask(path, options);
    if (raw.kind === 'problem') return raw;
    const { who, answer } = raw.value;
    return answer.status === 200
      ? ok(answer.text)
      : problemOf(who, answer.status, jsonOf(answer.text));
  };
  return {
    status: (options) => get('/v1/status', 'status', options),
    nodes: (options) => get('/v1/nodes', 'nodes', options),
    node: (name, options) => get(`/v1/nodes/${part(name)}`, 'node', options),
    vms: (options) => get('/v1/vms', 'vms', options),
    vm: (name, options) => get(`/v1/vms/${part(name)}`, 'vm', options),
    events: (after, limit, options) =>
      get(`/v1/events?after=${after}&limit=${limit}`, 'events', options),
    lastEvents: (before, limit, options) =>
      get(
        `/v1/events?last=${limit}${before === null ? '' : `&before=${before}`}`,
        'events',
        options,
      ),
    failovers: (options) => get('/v1/failovers', 'failovers', options),
    failover: (id, options) => get(`/v1/failovers/${part(id)}`, 'failover', options),
    managers: (options) => get('/v1/managers', 'managers', options),
    fenceDrivers: (options) => get('/v1/fence-drivers', 'fenceDrivers', options),
    alerts: (options) => get('/v1/alerts', 'alerts', options),
    governor: (options) => get('/v1/governor', 'governor', options),
    maintenance: (options) => get('/v1/maintenance', 'maintenances', options),
    settings: (options) => get('/v1/settings', 'settings', options),
    exportFailovers: (options) => get('/v1/failover-export', 'failoverExport', options),
    placement: (options) => get('/v1/placement', 'placement', options),
    rules: (options) => get('/v1/rules', 'rules', options),
    screenshotOfVm: (vm, options) => get(`/v1/vms/${part(vm)}/screenshot`, 'screenshot', options),
    whyVm: (vm, options) => get(`/v1/vms/${part(vm)}/why`, 'why', options),
    explain: (topic, options) => get(`/v1/explain/${part(topic)}`, 'explanation', options),
    backup: (options) => text('/v1/backup', options),
    metrics: (options) => text('/metrics', options),
    openapi: (options) => text('/openapi.json', options),
  };
}

type Changes = Omit<Client, keyof Reads | 'watchEvents' | 'consoleOfVm' | 'close'>;

function changes(route: Route, closing: AbortSignal): Changes {
  const send = async <F extends AnswerForm>(
    request: ApiRequest,
    form: F,
    options: ChangeOptions = {},
  ): Promise<Outcome<Answer<F>>> => {
    const dryRun = options.dryRun === true;
    const query = new URLSearchParams();
    if (dryRun) query.set('dryRun', 'true');
    if (options.reason != null) query.set('reason', options.reason);
    const path = query.size === 0 ? request.path : `${request.path}?${query.toString()}`;
    const raw = await route.call(
      { ...request, path, changes: !dryRun },
      { ...options, signal: joined(options, closing) },
    );
    return raw.kind === 'problem' ? raw : parseAnswer(raw.value.who, raw.value.answer, form);
  };
  const post = (path: string, body?: unknown): ApiRequest => ({ method: 'POST', path, body });
  const remove = (path: string): ApiRequest => ({ method: 'DELETE', path, body: undefined });
  const ofNode = (node: string, verb: string): string => `/v1/nodes/${part(node)}${verb}`;
  const ofVm = (vm: string, verb: string): string => `/v1/vms/${part(vm)}${verb}`;
  return {
    createToken: (body, options) => send(post('/v1/tokens', body), 'tokenCreated', options),
    createManagerToken: (body, options) =>
      send(post('/v1/managers/tokens', body), 'tokenCreated', options),
    removeManager: (name, options) =>
      send(remove(`/v1/managers/${part(name)}`), 'manager', options),
    removeNode: (node, options) => send(remove(ofNode(node, '')), 'node', options),
    addFenceDevice: (node, body, options) =>
      send(post(ofNode(node, '/fence-devices'), body), 'fenceDeviceAdded', options),
    removeFenceDevice: (node, device, options) =>
      send(remove(ofNode(node, `/fence-devices/${part(device)}`)), 'node', options),
    testFence: (node, body, options) =>
      send(post(ofNode(node, '/fence-test'), body), 'deviceTests', options),
    drillNode: (node, body, options) =>
      send(post(ofNode(node, '/fence-drill'), body), 'fence', options),
    fenceNode: (node, body, options) => send(post(ofNode(node, '/fence'), body), 'fence', options),
    confirmOff: (node, body, options) =>
      send(post(ofNode(node, '/confirm-off'), body), 'fence', options),
    addAlert: (name, body, options) =>
      send(post(`/v1/alerts/${part(name)}`, body), 'alert', options),
    removeAlert: (name, options) => send(remove(`/v1/alerts/${part(name)}`), 'alert', options),
    testAlert: (name, options) => send(post(`/v1/alerts/${part(name)}/test`), 'alertTest', options),
    labelNode: (node, body, options) => send(post(ofNode(node, '/labels'), body), 'node', options),
    unquarantine: (node, options) => send(post(ofNode(node, '/unquarantine')), 'node', options),
    maintainNode: (node, body, options) =>
      send(post(ofNode(node, '/maintenance'), body), 'maintenance', options),
    releaseGovernor: (options) => send(post('/v1/governor/release'), 'governor', options),
    disarm: (body, options) => send(post('/v1/disarm', body), 'arming', options),
    arm: (options) => send(post('/v1/arm'), 'arming', options),
    changeSettings: (body, options) => send(post('/v1/settings', body), 'settings', options),
    powerOn: (node, options) => send(post(ofNode(node, '/power-on')), 'node', options),
    setPlacementPolicy: (body, options) =>
      send(post('/v1/placement/policy', body), 'policy', options),
    addRule: (body, options) => send(post('/v1/rules', body), 'rule', options),
    removeRule: (id, options) => send(remove(`/v1/rules/${part(id)}`), 'rule', options),
    createVm: (body, options) => send(post('/v1/vms', body), 'vm', options),
    startVm: (vm, options) => send(post(ofVm(vm, '/start')), 'vm', options),
    stopVm: (vm, body, options) => send(post(ofVm(vm, '/stop'), body), 'vm', options),
    disableVm: (vm, body, options) => send(post(ofVm(vm, '/disable'), body), 'vm', options),
    ignoreVm: (vm, options) => send(post(ofVm(vm, '/ignore')), 'vm', options),
    forgetVm: (vm, options) => send(post(ofVm(vm, '/forget')), 'vm', options),
    deleteVm: (vm, options) => send(remove(ofVm(vm, '')), 'vm', options),
    actOnVm: (vm, body, options) => send(post(ofVm(vm, '/act'), body), 'vm', options),
    snapshotVm: (vm, body, options) => send(post(ofVm(vm, '/snapshot'), body), 'vm', options),
    renameVm: (vm, body, options) => send(post(ofVm(vm, '/rename'), body), 'vm', options),
    cloneVm: (vm, body, options) => send(post(ofVm(vm, '/clone'), body), 'vm', options),
    editVm: (vm, body, options) => send(post(ofVm(vm, '/edit'), body), 'vmEdited', options),
    lockVm: (vm, body, options) => send(post(ofVm(vm, '/lock'), body), 'vm', options),
    unlockVm: (vm, options) => send(post(ofVm(vm, '/unlock')), 'vm', options),
    moveVm: (vm, body, options) => send(post(ofVm(vm, '/move'), body), 'vm', options),
    cancelMove: (vm, options) => send(post(ofVm(vm, '/cancel-move')), 'vm', options),
    adoptVm: (body, options) => send(post('/v1/vms/adopt', body), 'vm', options),
  };
}

const part = (text: string): string => encodeURIComponent(text);
