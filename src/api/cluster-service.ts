import type { Outcome } from '../core/problem.ts';
import type { AlertService } from './alert-service.ts';
import type { ArmingService } from './arming-service.ts';
import type { GuardService } from './guard-service.ts';
import type { MaintenanceService } from './maintenance-service.ts';
import type { VmStreamService } from './vm-stream-service.ts';
import type { VmVerbService } from './vm-verb-service.ts';
import type { PeerIdentity } from '../env/network.ts';
import type {
  CreateManagerToken,
  Handover,
  JoinManager,
  ManagerJoined,
  ManagerRebuilt,
  ManagersView,
  ManagerView,
} from './schema/managers.ts';
import type { NewRule, PolicyView, RuleView, SiteSnapshotView } from './schema/placement.ts';
import type {
  AddFenceDevice,
  DeviceTestView,
  DrillNode,
  FenceDeviceAdded,
  FenceDriverView,
  TestFence,
} from './schema/fencing.ts';
import type {
  AdoptVm,
  ConfirmOff,
  CreateToken,
  CreateVm,
  FenceNode,
  Join,
  Joined,
  MoveVm,
  StopVm,
  TokenCreated,
} from './schema/requests.ts';
import type {
  EventView,
  ExplanationView,
  FailoverView,
  FenceView,
  NodeView,
  StatusView,
  VmView,
} from './schema/views.ts';

/** Who asks, and how. `dryRun` answers what would be, and changes nothing. */
export interface Caller {
  readonly identity: PeerIdentity;
  readonly dryRun: boolean;
  /** Why, as they say; kept with the events that follow at once. */
  readonly reason: string | null;
}

/**
 * What the HTTP API needs of a manager. Nodes and VMs are named; a VM may also be given by UUID.
 * A change is answered after it is committed; its effect on a node follows (`--wait` polls).
 */
export interface ClusterService extends GuardService, AlertService, ArmingService {
  readonly maintenance: MaintenanceService;
  status(): Promise<Outcome<StatusView>>;
  node(name: string): Promise<Outcome<NodeView>>;
  vm(nameOrId: string): Promise<Outcome<VmView>>;
  createToken(body: CreateToken, caller: Caller): Promise<Outcome<TokenCreated>>;
  /** The only call without a certificate; the token stands in for it. */
  join(body: Join): Promise<Outcome<Joined>>;
  /** Who leads, as far as this manager knows, and where its interface is; null = not known. */
  leader(): { readonly name: string; readonly api: string; readonly isSelf: boolean } | null;
  managers(): Promise<Outcome<ManagersView>>;
  createManagerToken(body: CreateManagerToken, caller: Caller): Promise<Outcome<TokenCreated>>;
  /** As `join`: the token stands in for a certificate. */
  joinManager(body: JoinManager): Promise<Outcome<ManagerJoined>>;
  /** For managers only: `to` is the one that asks, by its certificate. */
  handover(to: PeerIdentity): Promise<Outcome<Handover>>;
  /** For managers only: `by` lost its part of the store, and begins again under a new number. */
  rebuildManager(by: PeerIdentity): Promise<Outcome<ManagerRebuilt>>;
  removeManager(name: string, caller: Caller): Promise<Outcome<ManagerView>>;
  removeNode(name: string, caller: Caller): Promise<Outcome<NodeView>>;
  /** What each kind of fence device is given. */
  fenceDrivers(): Promise<Outcome<readonly FenceDriverView[]>>;
  /** A dry run probes all the same, and answers the budget as it would be. */
  addFenceDevice(
    node: string,
    body: AddFenceDevice,
    caller: Caller,
  ): Promise<Outcome<FenceDeviceAdded>>;
  /** `device` is the name within the node. */
  removeFenceDevice(node: string, device: string, caller: Caller): Promise<Outcome<NodeView>>;
  /** Checks devices with what would fence; changes no power. */
  testFence(node: string, body: TestFence): Promise<Outcome<readonly DeviceTestView[]>>;
  /** Powers a node off for real, as a fence operation like any other. */
  drillNode(node: string, body: DrillNode, caller: Caller): Promise<Outcome<FenceView>>;
  fenceNode(node: string, body: FenceNode, caller: Caller): Promise<Outcome<FenceView>>;
  confirmOff(node: string, body: ConfirmOff, caller: Caller): Promise<Outcome<FenceView>>;
  powerOn(node: string, caller: Caller): Promise<Outcome<NodeView>>;
  createVm(body: CreateVm, caller: Caller): Promise<Outcome<VmView>>;
  startVm(vm: string, caller: Caller): Promise<Outcome<VmView>>;
  stopVm(vm: string, body: StopVm, caller: Caller): Promise<Outcome<VmView>>;
  /** Off, and not touched by failover. */
  disableVm(vm: string, body: StopVm, caller: Caller): Promise<Outcome<VmView>>;
  /** Left to people from now on; what runs goes on. */
  ignoreVm(vm: string, caller: Caller): Promise<Outcome<VmView>>;
  /** Out of the cluster, as it is; what runs goes on. */
  forgetVm(vm: string, caller: Caller): Promise<Outcome<VmView>>;
  deleteVm(vm: string, caller: Caller): Promise<Outcome<VmView>>;
  /** To another node, live or by a stop and a start. */
  moveVm(vm: string, body: MoveVm, caller: Caller): Promise<Outcome<VmView>>;
  /** Takes that back; what is handed over already stays there. */
  cancelMove(vm: string, caller: Caller): Promise<Outcome<VmView>>;
  readonly vmVerbs: VmVerbService;
  readonly vmStreams: VmStreamService;
  adoptVm(body: AdoptVm, caller: Caller): Promise<Outcome<VmView>>;
  /** What plans of placement rest on. */
  placement(): Promise<Outcome<SiteSnapshotView>>;
  setPlacementPolicy(body: PolicyView, caller: Caller): Promise<Outcome<PolicyView>>;
  rules(): Promise<Outcome<readonly RuleView[]>>;
  addRule(body: NewRule, caller: Caller): Promise<Outcome<RuleView>>;
  removeRule(id: string, caller: Caller): Promise<Outcome<RuleView>>;
  /** Events after this sequence number, oldest first. */
  events(after: number, limit: number): Promise<Outcome<readonly EventView[]>>;
  /** The last so many events before this sequence number (null = of all), oldest first. */
  lastEvents(before: number | null, limit: number): Promise<Outcome<readonly EventView[]>>;
  /** Calls back with each new event; returns a stop function. */
  watchEvents(after: number, listener: (event: EventView) => void): () => void;
  failovers(): Promise<Outcome<readonly FailoverView[]>>;
  failover(id: string): Promise<Outcome<FailoverView>>;
  explain(topic: string): Promise<Outcome<ExplanationView>>;
  /** All of the store as one file (`kennel restore`). Secrets in it are sealed as they are there. */
  backup(): Promise<Outcome<string>>;
  /** Prometheus text format. */
  metrics(): Promise<string>;
}
