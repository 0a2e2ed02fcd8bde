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
import { failoverId, managerId, nodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import type { PeerIdentity } from '../../env/network.ts';
import type { Leader } from '../leader.ts';
import type { ManagerMetrics } from '../metrics.ts';
import { unknownNode, unknownVm } from '../problems.ts';
import type { EventLog } from './event-log.ts';
import { explainTopic } from './explain-service.ts';
import {
  addRuleFor,
  removeRuleFor,
  rulesOf,
  setPolicyFor,
  snapshotView,
} from './placement-service.ts';
import type { JoinService } from './join-service.ts';
import type { FenceService } from './fence-service.ts';
import { armCluster, disarmCluster } from './arming-service.ts';
import type { GuardsOf } from './guard-service.ts';
import { metricsText } from './metrics-text.ts';
import { MaintenanceOf } from './maintenance-service.ts';
import type { NodeService } from './node-service.ts';
import { type SightsOptions, Sights, storeProblem } from './sights.ts';
import { byName, failoverView, nodeView, vmView } from './views.ts';
import { findVm, type VmService } from './vm-service.ts';
import type { SessionHub } from '../session-hub.ts';
import { VmStreams } from './vm-streams.ts';
import { VmVerbs } from './vm-verbs.ts';

interface ManagerServiceOptions extends SightsOptions {
  readonly env: Pick<Env, 'random'>;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly metrics: ManagerMetrics;
  readonly events: EventLog;
  readonly nodes: NodeService;
  readonly fencing: FenceService;
  readonly guards: GuardsOf;
  readonly vms: VmService;
  readonly hub: SessionHub;
  readonly joins: JoinService;
}

/**
 * The API's questions answered by a manager. Every manager answers reads; a change is the leader's.
 */
export class ManagerService implements ClusterService {
  readonly #options: ManagerServiceOptions;
  readonly #sights: Sights;
  readonly maintenance: MaintenanceOf;
  readonly vmVerbs: VmVerbs;
  readonly vmStreams: VmStreams;

  constructor(options: ManagerServiceOptions) {
    this.#options = options;
    this.#sights = new Sights(options);
    this.maintenance = new MaintenanceOf(this.#sights);
    this.vmVerbs = new VmVerbs({ ...options, sights: this.#sights });
    this.vmStreams = new VmStreams({ ...options, sights: this.#sights });
  }

  /** Answered by every manager, and also without a quorum: it says how old it is. */
  async status(): Promise<Outcome<StatusView>> {
    const { store, clusterId, clusterName, name, registry } = this.#options;
    const looked = await this.#sights.see();
    if (looked.kind === 'problem') return looked;
    const seen = looked.value;
    const { sight, leader, ageMs } = seen;
    const { mirror } = sight;
    const status = store.status();
    const isSure = status.hasQuorum && ageMs === 0;
    const findings = this.#sights.findings(seen, isSure);
    return ok({
      clusterId,
      clusterName,
      health: !isSure ? 'noQuorum' : findings.length > 0 ? 'degraded' : 'healthy',
      leader: leader?.name ?? null,
      epoch: leader?.epoch ?? 0,
      revision: status.revision,
      profile: mirror.settings.profile,
      vcpuOvercommit: mirror.settings.vcpuOvercommit,
      answeredBy: name,
      ageMs,
      managers: registry.managers(mirror, leader),
      findings,
      nodes: byName([...mirror.nodes.values()].map((node) => nodeView(node, sight))),
      vms: byName([...mirror.vms.values()].map((vm) => vmView(vm, sight))),
    });
  }

  /** As `status`, for the managers alone. */
  async managers(): Promise<Outcome<ManagersView>> {
    const seen = await this.#sights.see();
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
    return this.#sights.lead((leader) => this.#options.registry.createToken(leader, body, caller));
  }

  joinManager(body: JoinManager): Promise<Outcome<ManagerJoined>> {
    return this.#sights.lead((leader) => this.#options.registry.join(leader, body));
  }

  handover(to: PeerIdentity): Promise<Outcome<Handover>> {
    return this.#sights.lead((leader) => this.#options.registry.handover(leader, to));
  }

  rebuildManager(by: PeerIdentity): Promise<Outcome<ManagerRebuilt>> {
    return this.#sights.lead((leader) => this.#options.registry.rebuild(leader, by));
  }

  removeManager(name: string, caller: Caller): Promise<Outcome<ManagerView>> {
    return this.#sights.lead((leader) => this.#options.registry.remove(leader, name, caller));
  }

  async node(name: string): Promise<Outcome<NodeView>> {
    return this.#sights.look((sight) => {
      const node = sight.mirror.nodes.get(nodeId(name));
      return node === undefined ? problem(unknownNode(name)) : ok(nodeView(node, sight));
    });
  }

  async vm(name: string): Promise<Outcome<VmView>> {
    return this.#sights.look((sight) => {
      const vm = findVm(sight.mirror, name);
      return vm === undefined ? problem(unknownVm(name)) : ok(vmView(vm, sight));
    });
  }

  createToken(body: CreateToken, caller: Caller): Promise<Outcome<TokenCreated>> {
    return this.#sights.lead((leader) => this.#options.joins.createToken(leader, body, caller));
  }

  join(body: Join): Promise<Outcome<Joined>> {
    return this.#sights.lead((leader) => this.#options.joins.join(leader, body));
  }

  removeNode(name: string, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.nodes.remove(leader, sight, name, caller),
    );
  }

  async fenceDrivers(): Promise<Outcome<readonly FenceDriverView[]>> {
    return ok(this.#options.fencing.drivers());
  }

  addFenceDevice(
    node: string,
    body: AddFenceDevice,
    caller: Caller,
  ): Promise<Outcome<FenceDeviceAdded>> {
    return this.#sights.lead((leader) => this.#options.fencing.add(leader, node, body, caller));
  }

  removeFenceDevice(node: string, device: string, caller: Caller): Promise<Outcome<NodeView>> {
    const target = { node, device };
    return this.#sights.lead((leader, sight) =>
      this.#options.fencing.remove(leader, sight, target, caller),
    );
  }

  testFence(node: string, body: TestFence): Promise<Outcome<readonly DeviceTestView[]>> {
    return this.#sights.lead((leader) => this.#options.fencing.test(leader, { node, ...body }));
  }

  drillNode(node: string, body: DrillNode, caller: Caller): Promise<Outcome<FenceView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.fencing.drill(leader, sight, { node, body }, caller),
    );
  }

  fenceNode(node: string, body: FenceNode, caller: Caller): Promise<Outcome<FenceView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.nodes.fence(leader, sight, node, body, caller),
    );
  }

  confirmOff(node: string, body: ConfirmOff, caller: Caller): Promise<Outcome<FenceView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.nodes.confirmOff(leader, sight, node, body, caller),
    );
  }

  powerOn(node: string, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.nodes.powerOn(leader, sight, node, caller),
    );
  }

  async alerts(): Promise<Outcome<readonly AlertView[]>> {
    return this.#sights.look(({ mirror }) => ok(this.#options.alerts.list(mirror)));
  }

  addAlert(name: string, body: AddAlert, caller: Caller): Promise<Outcome<AlertView>> {
    return this.#sights.lead((leader) => this.#options.alerts.add(leader, name, body, caller));
  }

  removeAlert(name: string, caller: Caller): Promise<Outcome<AlertView>> {
    return this.#sights.lead((leader) => this.#options.alerts.remove(leader, name, caller));
  }

  testAlert(name: string, caller: Caller): Promise<Outcome<AlertTestView>> {
    return this.#sights.lead((leader) => this.#options.alerts.test(leader, name, caller));
  }

  labelNode(node: string, body: LabelNode, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.guards.label(leader, sight, { node, body, caller }),
    );
  }

  unquarantine(node: string, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.guards.unquarantine(leader, sight, { node, caller }),
    );
  }

  async governor(): Promise<Outcome<GovernorView>> {
    return this.#sights.look((sight) => ok(this.#options.guards.governor(sight)));
  }

  releaseGovernor(caller: Caller): Promise<Outcome<GovernorView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.guards.release(leader, sight, caller),
    );
  }

  disarm(body: Disarm, caller: Caller): Promise<Outcome<ArmingView>> {
    return this.#sights.lead((leader, sight) => {
      const nowIso = sight().observations.nowWall;
      return disarmCluster(leader, { body, caller, nowIso });
    });
  }

  arm(caller: Caller): Promise<Outcome<ArmingView>> {
    return this.#sights.lead((leader) => armCluster(leader, caller));
  }

  async settings(): Promise<Outcome<readonly SettingView[]>> {
    return this.#sights.look((sight) => ok(this.#options.guards.settings(sight)));
  }

  changeSettings(body: ChangeSettings, caller: Caller): Promise<Outcome<readonly SettingView[]>> {
    return this.#sights.lead((leader) => this.#options.guards.changeSettings(leader, body, caller));
  }

  async exportFailovers(): Promise<Outcome<FailoverExport>> {
    const looked = await this.#sights.look((sight) => ok(sight));
    if (looked.kind === 'problem') return looked;
    try {
      return ok(await this.#options.guards.export(looked.value));
    } catch (error) {
      return storeProblem(error);
    }
  }

  createVm(body: CreateVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.create(leader, sight, body, caller),
    );
  }

  startVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) => this.#options.vms.start(leader, sight, vm, caller));
  }

  stopVm(vm: string, body: StopVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.stop(leader, sight, vm, body, caller),
    );
  }

  disableVm(vm: string, body: StopVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.disable(leader, sight, vm, body, caller),
    );
  }

  moveVm(vm: string, body: MoveVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.move(leader, sight, vm, body, caller),
    );
  }

  cancelMove(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.cancelMove(leader, sight, vm, caller),
    );
  }

  ignoreVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.ignore(leader, sight, vm, caller),
    );
  }

  forgetVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.forget(leader, sight, vm, caller),
    );
  }

  deleteVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.delete(leader, sight, vm, caller),
    );
  }

  adoptVm(body: AdoptVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#options.vms.adopt(leader, sight, body, caller),
    );
  }

  placement(): Promise<Outcome<SiteSnapshotView>> {
    return this.#sights.look((sight) => ok(snapshotView(sight)));
  }

  setPlacementPolicy(body: PolicyView, caller: Caller): Promise<Outcome<PolicyView>> {
    return this.#sights.lead((leader) => setPolicyFor(leader, body, caller));
  }

  rules(): Promise<Outcome<readonly RuleView[]>> {
    return this.#sights.look(({ mirror }) => ok(rulesOf(mirror)));
  }

  addRule(body: NewRule, caller: Caller): Promise<Outcome<RuleView>> {
    return this.#sights.lead((leader) => addRuleFor(leader, body, caller));
  }

  removeRule(id: string, caller: Caller): Promise<Outcome<RuleView>> {
    return this.#sights.lead((leader) => removeRuleFor(leader, id, caller));
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
    return this.#sights.look(({ mirror }) =>
      ok(
        [...mirror.failovers.values()]
          .sort((a, b) => Number(a.id.slice(3)) - Number(b.id.slice(3)))
          .map(failoverView),
      ),
    );
  }

  async failover(id: string): Promise<Outcome<FailoverView>> {
    return this.#sights.look(({ mirror }) => {
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
    return this.#sights.look((sight) => explainTopic(topic, sight));
  }

  async backup(): Promise<Outcome<string>> {
    try {
      return ok(await this.#options.registry.backup());
    } catch (error) {
      return storeProblem(error);
    }
  }

  metrics(): Promise<string> {
    return metricsText({ ...this.#options, sights: this.#sights });
  }

  /** What this manager finds wrong while it leads. */
  leadingFindings(leading: Leader): StatusView['findings'] {
    const sight = this.#sights.sight(leading.mirror, true);
    const leader = { name: this.#options.name, epoch: leading.mirror.epoch };
    return this.#sights.findings({ sight, leader, leading, ageMs: 0 }, true);
  }
}
