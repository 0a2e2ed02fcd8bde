import type { Caller, ClusterService } from '../../api/cluster-service.ts';
import type { ArmingView, Disarm } from '../../api/schema/arming.ts';
import type {
  CreateManagerToken,
  Handover,
  JoinManager,
  ManagerJoined,
  ManagerRebuilt,
  ManagersView,
  ManagerView,
} from '../../api/schema/managers.ts';
import type { AddAlert, AlertTestView, AlertView } from '../../api/schema/alerts.ts';
import type {
  ChangeSettings,
  FailoverExport,
  GovernorView,
  LabelNode,
  SettingView,
} from '../../api/schema/guards.ts';
import type {
  NewRule,
  PolicyView,
  RuleView,
  SiteSnapshotView,
} from '../../api/schema/placement.ts';
import type {
  AddFenceDevice,
  DeviceTestView,
  DrillNode,
  FenceDeviceAdded,
  FenceDriverView,
  TestFence,
} from '../../api/schema/fencing.ts';
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
} from '../../api/schema/requests.ts';
import type {
  EventView,
  ExplanationView,
  FailoverView,
  FenceView,
  NodeView,
  StatusView,
  VmView,
} from '../../api/schema/views.ts';
import { findingsOf } from '../../core/explain/findings.ts';
import { nodeState, vmState } from '../../core/explain/states.ts';
import { failoverId, managerId, nodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { PeerIdentity } from '../../env/network.ts';
import type { Store } from '../../store/store.ts';
import { StoreUnavailable } from '../../store/store.ts';
import type { Leader } from '../leader.ts';
import { keys } from '../keys.ts';
import type { ManagerMetrics } from '../metrics.ts';
import type { Mirror } from '../mirror.ts';
import type { ObservationBook } from '../observation-book.ts';
import { notLeading, onlyOldKnown, storeSilent, unknownNode, unknownVm } from '../problems.ts';
import type { EventLog } from './event-log.ts';
import { explainTopic } from './explain-service.ts';
import type { KnownLeader, Peers } from '../peers.ts';
import {
  addRuleFor,
  removeRuleFor,
  rulesOf,
  setPolicyFor,
  snapshotView,
} from './placement-service.ts';
import type { Replica } from '../replica.ts';
import type { JoinService } from './join-service.ts';
import type { FenceService } from './fence-service.ts';
import type { AlertsOf } from './alerts-of.ts';
import { armCluster, disarmCluster } from './arming-service.ts';
import type { GuardsOf } from './guard-service.ts';
import type { NodeService } from './node-service.ts';
import type { RegistryService } from './registry-service.ts';
import { failoverView, nodeView, vmView, type Sight } from './views.ts';
import { findVm, type VmService } from './vm-service.ts';

interface ManagerServiceOptions {
  readonly name: string;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly store: Store;
  readonly book: ObservationBook;
  readonly metrics: ManagerMetrics;
  readonly events: EventLog;
  readonly nodes: NodeService;
  readonly fencing: FenceService;
  readonly guards: GuardsOf;
  readonly alerts: AlertsOf;
  readonly vms: VmService;
  readonly joins: JoinService;
  readonly registry: RegistryService;
  readonly replica: Replica;
  readonly peers: Peers;
  /** The present leadership; null while this manager does not lead. */
  leader(): Leader | null;
}

/**
 * The API's questions answered by a manager. Every manager answers reads; a change is the leader's.
 */
export class ManagerService implements ClusterService {
  readonly #options: ManagerServiceOptions;

  constructor(options: ManagerServiceOptions) {
    this.#options = options;
  }

  /** Answered by every manager, and also without a quorum: it says how old it is. */
  async status(): Promise<Outcome<StatusView>> {
    const { store, clusterId, clusterName, name, registry } = this.#options;
    const looked = await this.#see();
    if (looked.kind === 'problem') return looked;
    const seen = looked.value;
    const { sight, leader, ageMs } = seen;
    const { mirror } = sight;
    const status = store.status();
    const isSure = status.hasQuorum && ageMs === 0;
    const findings = this.#findings(seen, isSure);
    return ok({
      clusterId,
      clusterName,
      health: !isSure ? 'noQuorum' : findings.length > 0 ? 'degraded' : 'healthy',
      leader: leader?.name ?? null,
      epoch: leader?.epoch ?? 0,
      revision: status.revision,
      profile: mirror.settings.profile,
      answeredBy: name,
      ageMs,
      managers: registry.managers(mirror, leader),
      findings,
      nodes: sorted([...mirror.nodes.values()].map((node) => nodeView(node, sight))),
      vms: sorted([...mirror.vms.values()].map((vm) => vmView(vm, sight))),
    });
  }

  /** As `status`, for the managers alone. */
  async managers(): Promise<Outcome<ManagersView>> {
    const seen = await this.#see();
    if (seen.kind === 'problem') return seen;
    const { sight, leader, ageMs } = seen.value;
    const view = this.#options.registry.view(sight.mirror, leader);
    const hasQuorum = view.store.hasQuorum && ageMs === 0;
    return ok({ ...view, store: { ...view.store, hasQuorum } });
  }

  leader(): { readonly name: string; readonly api: string; readonly isSelf: boolean } | null {
    const { name, replica, peers } = this.#options;
    const leader = this.#options.leader();
    const leading = leader === null ? peers.leader()?.name : name;
    const mirror = leader?.mirror ?? replica.mirror;
    const record = leading === undefined ? undefined : mirror?.managers.get(managerId(leading));
    if (record === undefined) return null;
    return { name: record.id, api: record.api, isSelf: record.id === managerId(name) };
  }

  createManagerToken(body: CreateManagerToken, caller: Caller): Promise<Outcome<TokenCreated>> {
    return this.#lead((leader) => this.#options.registry.createToken(leader, body, caller));
  }

  joinManager(body: JoinManager): Promise<Outcome<ManagerJoined>> {
    return this.#lead((leader) => this.#options.registry.join(leader, body));
  }

  handover(to: PeerIdentity): Promise<Outcome<Handover>> {
    return this.#lead((leader) => this.#options.registry.handover(leader, to));
  }

  rebuildManager(by: PeerIdentity): Promise<Outcome<ManagerRebuilt>> {
    return this.#lead((leader) => this.#options.registry.rebuild(leader, by));
  }

  removeManager(name: string, caller: Caller): Promise<Outcome<ManagerView>> {
    return this.#lead((leader) => this.#options.registry.remove(leader, name, caller));
  }

  async node(name: string): Promise<Outcome<NodeView>> {
    return this.#look((sight) => {
      const node = sight.mirror.nodes.get(nodeId(name));
      return node === undefined ? problem(unknownNode(name)) : ok(nodeView(node, sight));
    });
  }

  async vm(name: string): Promise<Outcome<VmView>> {
    return this.#look((sight) => {
      const vm = findVm(sight.mirror, name);
      return vm === undefined ? problem(unknownVm(name)) : ok(vmView(vm, sight));
    });
  }

  createToken(body: CreateToken, caller: Caller): Promise<Outcome<TokenCreated>> {
    return this.#lead((leader) => this.#options.joins.createToken(leader, body, caller));
  }

  join(body: Join): Promise<Outcome<Joined>> {
    return this.#lead((leader) => this.#options.joins.join(leader, body));
  }

  removeNode(name: string, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#lead((leader, sight) => this.#options.nodes.remove(leader, sight, name, caller));
  }

  async fenceDrivers(): Promise<Outcome<readonly FenceDriverView[]>> {
    return ok(this.#options.fencing.drivers());
  }

  addFenceDevice(
    node: string,
    body: AddFenceDevice,
    caller: Caller,
  ): Promise<Outcome<FenceDeviceAdded>> {
    return this.#lead((leader) => this.#options.fencing.add(leader, node, body, caller));
  }

  removeFenceDevice(node: string, device: string, caller: Caller): Promise<Outcome<NodeView>> {
    const target = { node, device };
    return this.#lead((leader, sight) =>
      this.#options.fencing.remove(leader, sight, target, caller),
    );
  }

  testFence(node: string, body: TestFence): Promise<Outcome<readonly DeviceTestView[]>> {
    return this.#lead((leader) => this.#options.fencing.test(leader, { node, ...body }));
  }

  drillNode(node: string, body: DrillNode, caller: Caller): Promise<Outcome<FenceView>> {
    return this.#lead((leader, sight) =>
      this.#options.fencing.drill(leader, sight, { node, body }, caller),
    );
  }

  fenceNode(node: string, body: FenceNode, caller: Caller): Promise<Outcome<FenceView>> {
    return this.#lead((leader, sight) =>
      this.#options.nodes.fence(leader, sight, node, body, caller),
    );
  }

  confirmOff(node: string, body: ConfirmOff, caller: Caller): Promise<Outcome<FenceView>> {
    return this.#lead((leader, sight) =>
      this.#options.nodes.confirmOff(leader, sight, node, body, caller),
    );
  }

  powerOn(node: string, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#lead((leader, sight) => this.#options.nodes.powerOn(leader, sight, node, caller));
  }

  async alerts(): Promise<Outcome<readonly AlertView[]>> {
    return this.#look(({ mirror }) => ok(this.#options.alerts.list(mirror)));
  }

  addAlert(name: string, body: AddAlert, caller: Caller): Promise<Outcome<AlertView>> {
    return this.#lead((leader) => this.#options.alerts.add(leader, name, body, caller));
  }

  removeAlert(name: string, caller: Caller): Promise<Outcome<AlertView>> {
    return this.#lead((leader) => this.#options.alerts.remove(leader, name, caller));
  }

  testAlert(name: string, caller: Caller): Promise<Outcome<AlertTestView>> {
    return this.#lead((leader) => this.#options.alerts.test(leader, name, caller));
  }

  labelNode(node: string, body: LabelNode, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#lead((leader, sight) =>
      this.#options.guards.label(leader, sight, { node, body, caller }),
    );
  }

  unquarantine(node: string, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#lead((leader, sight) =>
      this.#options.guards.unquarantine(leader, sight, { node, caller }),
    );
  }

  async governor(): Promise<Outcome<GovernorView>> {
    return this.#look((sight) => ok(this.#options.guards.governor(sight)));
  }

  releaseGovernor(caller: Caller): Promise<Outcome<GovernorView>> {
    return this.#lead((leader, sight) => this.#options.guards.release(leader, sight, caller));
  }

  disarm(body: Disarm, caller: Caller): Promise<Outcome<ArmingView>> {
    return this.#lead((leader, sight) => {
      const nowIso = sight().observations.nowWall;
      return disarmCluster(leader, { body, caller, nowIso });
    });
  }

  arm(caller: Caller): Promise<Outcome<ArmingView>> {
    return this.#lead((leader) => armCluster(leader, caller));
  }

  async settings(): Promise<Outcome<readonly SettingView[]>> {
    return this.#look((sight) => ok(this.#options.guards.settings(sight)));
  }

  changeSettings(body: ChangeSettings, caller: Caller): Promise<Outcome<readonly SettingView[]>> {
    return this.#lead((leader) => this.#options.guards.changeSettings(leader, body, caller));
  }

  async exportFailovers(): Promise<Outcome<FailoverExport>> {
    const looked = await this.#look((sight) => ok(sight));
    if (looked.kind === 'problem') return looked;
    try {
      return ok(await this.#options.guards.export(looked.value));
    } catch (error) {
      return storeProblem(error);
    }
  }

  createVm(body: CreateVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.create(leader, sight, body, caller));
  }

  startVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.start(leader, sight, vm, caller));
  }

  stopVm(vm: string, body: StopVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.stop(leader, sight, vm, body, caller));
  }

  disableVm(vm: string, body: StopVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) =>
      this.#options.vms.disable(leader, sight, vm, body, caller),
    );
  }

  moveVm(vm: string, body: MoveVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.move(leader, sight, vm, body, caller));
  }

  cancelMove(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.cancelMove(leader, sight, vm, caller));
  }

  ignoreVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.ignore(leader, sight, vm, caller));
  }

  forgetVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.forget(leader, sight, vm, caller));
  }

  deleteVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.delete(leader, sight, vm, caller));
  }

  adoptVm(body: AdoptVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.adopt(leader, sight, body, caller));
  }

  placement(): Promise<Outcome<SiteSnapshotView>> {
    return this.#look((sight) => ok(snapshotView(sight)));
  }

  setPlacementPolicy(body: PolicyView, caller: Caller): Promise<Outcome<PolicyView>> {
    return this.#lead((leader) => setPolicyFor(leader, body, caller));
  }

  rules(): Promise<Outcome<readonly RuleView[]>> {
    return this.#look(({ mirror }) => ok(rulesOf(mirror)));
  }

  addRule(body: NewRule, caller: Caller): Promise<Outcome<RuleView>> {
    return this.#lead((leader) => addRuleFor(leader, body, caller));
  }

  removeRule(id: string, caller: Caller): Promise<Outcome<RuleView>> {
    return this.#lead((leader) => removeRuleFor(leader, id, caller));
  }

  async events(after: number, limit: number): Promise<Outcome<readonly EventView[]>> {
    try {
      return ok(await this.#options.events.after(after, limit));
    } catch (error) {
      return storeProblem(error);
    }
  }

  async lastEvents(before: number | null, limit: number): Promise<Outcome<readonly EventView[]>> {
    try {
      return ok(await this.#options.events.last(before, limit));
    } catch (error) {
      return storeProblem(error);
    }
  }

  watchEvents(after: number, listener: (event: EventView) => void): () => void {
    return this.#options.events.follow(after, listener);
  }

  async failovers(): Promise<Outcome<readonly FailoverView[]>> {
    return this.#look(({ mirror }) =>
      ok(
        [...mirror.failovers.values()]
          .sort((a, b) => Number(a.id.slice(3)) - Number(b.id.slice(3)))
          .map(failoverView),
      ),
    );
  }

  async failover(id: string): Promise<Outcome<FailoverView>> {
    return this.#look(({ mirror }) => {
      const found = mirror.failovers.get(failoverId(id));
      if (found !== undefined) return ok(failoverView(found));
      return problem({
        code: 'E_NOT_FOUND',
        what: `there is no failover ${id}`,
        because: 'its record never was, or is no longer kept',
        so: 'nothing can be shown',
        try: ['kennel failover ls'],
      });
    });
  }

  async explain(topic: string): Promise<Outcome<ExplanationView>> {
    return this.#look((sight) => explainTopic(topic, sight));
  }

  async backup(): Promise<Outcome<string>> {
    try {
      return ok(await this.#options.registry.backup());
    } catch (error) {
      return storeProblem(error);
    }
  }

  /** Prometheus text. A manager that does not lead tells that, and nothing of nodes and VMs. */
  async metrics(): Promise<string> {
    const { metrics } = this.#options;
    const leader = this.#options.leader();
    const gauges = [
      metrics.leading,
      metrics.epoch,
      metrics.nodes,
      metrics.vms,
      metrics.findings,
      metrics.managers,
    ];
    // What an earlier leadership knew is not so any more.
    for (const gauge of gauges) gauge.reset();
    if (leader !== null) {
      const { mirror } = leader;
      const sight = this.#sight(mirror, true);
      metrics.leading.set(1);
      metrics.epoch.set(mirror.epoch);
      for (const node of mirror.nodes.values()) {
        metrics.nodes.inc({ state: nodeState(node, mirror, sight.observations) });
      }
      for (const vm of mirror.vms.values()) {
        metrics.vms.inc({ state: vmState(vm, mirror, sight.observations) });
      }
      const self = { name: this.#options.name, epoch: mirror.epoch };
      const seen = { sight, leader: self, leading: leader, ageMs: 0 };
      for (const { severity } of this.#findings(seen, true)) metrics.findings.inc({ severity });
      for (const { healthy } of this.#options.registry.managers(mirror, self)) {
        metrics.managers.inc({ reachable: String(healthy) });
      }
    }
    metrics.storeQuorum.set(this.#options.store.status().hasQuorum ? 1 : 0);
    return metrics.registry.metrics();
  }

  /** A read of what is committed now: nobody decides on something old without knowing it. */
  async #look<T>(answer: (sight: Sight) => Outcome<T>): Promise<Outcome<T>> {
    const seen = await this.#see();
    if (seen.kind === 'problem') return seen;
    const { sight, ageMs } = seen.value;
    return ageMs > 0 ? problem(onlyOldKnown(ageMs)) : answer(sight);
  }

  /**
   * The newest state that this manager can show: a leader's own, once a quorum has confirmed it;
   * otherwise its copy of the store. E_NOT_LEADER for a leader that the store has deposed,
   * E_UNAVAILABLE when nothing is known here.
   */
  async #see(): Promise<Outcome<Seen>> {
    const { name, replica, peers } = this.#options;
    const leading = this.#options.leader();
    if (leading !== null) {
      const leader = { name, epoch: leading.mirror.epoch };
      const seen = { sight: this.#sight(leading.mirror, true), leader, leading };
      if (await leading.confirm()) return ok({ ...seen, ageMs: 0 });
      if (await this.#storeAnswers()) return problem(notLeading());
      return ok({ ...seen, ageMs: leading.unconfirmedMs() });
    }
    const snapshot = await replica.read();
    if (snapshot === null) return problem(onlyOldKnown(null));
    const { mirror, ageMs } = snapshot;
    const sight = this.#sight(mirror, false);
    return ok({ sight, leader: peers.leader(), leading: null, ageMs });
  }

  async #storeAnswers(): Promise<boolean> {
    try {
      await this.#options.store.get(keys.barrier);
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return false;
    }
  }

  /** A change: the guarded write shows whether this manager leads. */
  async #lead<T>(
    act: (leader: Leader, sight: () => Sight) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const leader = this.#options.leader();
    if (leader === null) return problem(notLeading());
    try {
      return await act(leader, () => this.#sight(leader.mirror, true));
    } catch (error) {
      return storeProblem(error);
    }
  }

  /** What this manager finds wrong while it leads. */
  leadingFindings(leading: Leader): StatusView['findings'] {
    const sight = this.#sight(leading.mirror, true);
    const leader = { name: this.#options.name, epoch: leading.mirror.epoch };
    return this.#findings({ sight, leader, leading, ageMs: 0 }, true);
  }

  #sight(mirror: Mirror, leads: boolean): Sight {
    const care = leads ? (this.#options.leader()?.care ?? null) : null;
    return { mirror, observations: this.#options.book.observe(mirror), leads, care };
  }

  #findings({ sight, leader, leading, ageMs }: Seen, isSure: boolean): StatusView['findings'] {
    const { mirror, observations } = sight;
    const managers = this.#options.registry.managers(mirror, leader);
    const findings = managerFindings(managers, { ageMs, isSure, hasLeader: leader !== null });
    findings.push(...storeFindings(leading, this.#options.store));
    if (leading !== null) findings.push(...this.#options.alerts.findings(leading.mirror));
    for (const finding of findingsOf(mirror, observations)) {
      findings.push({ ...finding, try: [...finding.try] });
    }
    return findings;
  }
}

/** One look at the cluster. */
interface Seen {
  readonly sight: Sight;
  readonly leader: KnownLeader | null;
  /** Set where the manager that looks leads itself. */
  readonly leading: Leader | null;
  readonly ageMs: number;
}

/** What is wrong with the managers and their agreement. */
function managerFindings(
  managers: readonly ManagerView[],
  state: { readonly ageMs: number; readonly isSure: boolean; readonly hasLeader: boolean },
): StatusView['findings'] {
  const findings: StatusView['findings'] = [];
  if (!state.isSure) {
    const text = `the store has no quorum; this is ${Math.round(state.ageMs / 1000)} s old`;
    const steps = ['start the managers that are down', 'kennel manager ls'];
    findings.push({ code: 'NO_QUORUM', severity: 'critical', subject: '', text, try: steps });
  } else if (!state.hasLeader) {
    const text = 'no manager leads at the moment; VMs that run go on';
    const steps = ['kennel manager ls, in a few seconds'];
    findings.push({ code: 'NO_LEADER', severity: 'critical', subject: '', text, try: steps });
  }
  for (const { name, healthy, lastSeenMs } of managers) {
    if (healthy) continue;
    const text = lastSeenMs === null ? 'it was never heard here' : 'it does not answer';
    const steps = [`systemctl status kennel-manager, on ${name}`, 'kennel manager ls'];
    findings.push({ code: 'MANAGER_DOWN', severity: 'warning', subject: name, text, try: steps });
  }
  return findings;
}

/** What keeps the store from taking writes: its own word, or the last write that it did not take. */
function storeFindings(leader: Leader | null, store: Store): StatusView['findings'] {
  const notTaken = leader?.notTaken ?? null;
  const text = notTaken?.because ?? store.status().readOnly;
  if (text === null) return [];
  const steps =
    notTaken?.readOnly === false
      ? ['kennel events', 'see the log of the manager']
      : ['free space on the disk of the data directory'];
  return [{ code: 'STORE_READ_ONLY', severity: 'critical', subject: '', text, try: steps }];
}

/** As people count: node-2 before node-10. */
function sorted<T extends { readonly name: string }>(views: T[]): T[] {
  return views.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function storeProblem(error: unknown): ReturnType<typeof problem> {
  if (!(error instanceof StoreUnavailable)) throw error;
  return problem(storeSilent(error.message));
}
