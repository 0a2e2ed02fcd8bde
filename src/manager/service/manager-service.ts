import type { Caller, ClusterService } from '../../api/cluster-service.ts';
import type {
  AddFenceDevice,
  AdoptVm,
  ConfirmOff,
  CreateToken,
  CreateVm,
  FenceNode,
  Join,
  Joined,
  ProbeView,
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
import { failoverId, nodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Store } from '../../store/store.ts';
import { StoreUnavailable } from '../../store/store.ts';
import type { Leader } from '../leader.ts';
import type { ManagerMetrics } from '../metrics.ts';
import type { ObservationBook } from '../observation-book.ts';
import { notLeading, storeSilent, unknownNode, unknownVm } from '../problems.ts';
import type { EventLog } from './event-log.ts';
import { explainTopic } from './explain-service.ts';
import type { JoinService } from './join-service.ts';
import type { NodeService } from './node-service.ts';
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
  readonly vms: VmService;
  readonly joins: JoinService;
  /** The present leadership; null while this manager does not lead. */
  leader(): Leader | null;
}

/** The API's questions answered by a manager. Only a leader answers: its mirror is what is so. */
export class ManagerService implements ClusterService {
  readonly #options: ManagerServiceOptions;

  constructor(options: ManagerServiceOptions) {
    this.#options = options;
  }

  async status(): Promise<Outcome<StatusView>> {
    const { store, clusterId, clusterName, name } = this.#options;
    return this.#look((sight, leader) => {
      const { mirror } = sight;
      const status = store.status();
      const findings = this.#findings(leader, sight);
      return ok({
        clusterId,
        clusterName,
        health: !status.hasQuorum ? 'noQuorum' : findings.length > 0 ? 'degraded' : 'healthy',
        leader: name,
        epoch: mirror.epoch,
        revision: status.revision,
        profile: mirror.settings.profile,
        managers: status.members.map((member) => ({ ...member })),
        findings,
        nodes: sorted([...mirror.nodes.values()].map((node) => nodeView(node, sight))),
        vms: sorted([...mirror.vms.values()].map((vm) => vmView(vm, sight))),
      });
    });
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
    return this.#lead((leader) => this.#options.joins.createToken(leader, body, caller.dryRun));
  }

  join(body: Join): Promise<Outcome<Joined>> {
    return this.#lead((leader) => this.#options.joins.join(leader, body));
  }

  removeNode(name: string, caller: Caller): Promise<Outcome<NodeView>> {
    return this.#lead((leader, sight) => this.#options.nodes.remove(leader, sight, name, caller));
  }

  addFenceDevice(node: string, body: AddFenceDevice, caller: Caller): Promise<Outcome<ProbeView>> {
    return this.#lead((leader) => this.#options.nodes.addFenceDevice(leader, node, body, caller));
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

  createVm(body: CreateVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.create(leader, sight, body, caller));
  }

  startVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.start(leader, sight, vm, caller));
  }

  stopVm(vm: string, body: StopVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.stop(leader, sight, vm, body, caller));
  }

  deleteVm(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.delete(leader, sight, vm, caller));
  }

  adoptVm(body: AdoptVm, caller: Caller): Promise<Outcome<VmView>> {
    return this.#lead((leader, sight) => this.#options.vms.adopt(leader, sight, body, caller));
  }

  async events(after: number, limit: number): Promise<Outcome<readonly EventView[]>> {
    try {
      return ok(await this.#options.events.after(after, limit));
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

  /** Prometheus text. A manager that does not lead tells that, and nothing of nodes and VMs. */
  async metrics(): Promise<string> {
    const { metrics } = this.#options;
    const leader = this.#options.leader();
    const gauges = [metrics.leading, metrics.epoch, metrics.nodes, metrics.vms, metrics.findings];
    // What an earlier leadership knew is not so any more.
    for (const gauge of gauges) gauge.reset();
    if (leader !== null) {
      const { mirror } = leader;
      const sight = this.#sight(leader);
      metrics.leading.set(1);
      metrics.epoch.set(mirror.epoch);
      for (const node of mirror.nodes.values()) {
        metrics.nodes.inc({ state: nodeState(node, mirror, sight.observations) });
      }
      for (const vm of mirror.vms.values()) {
        metrics.vms.inc({ state: vmState(vm, mirror, sight.observations) });
      }
      for (const { severity } of this.#findings(leader, sight)) metrics.findings.inc({ severity });
    }
    return metrics.registry.metrics();
  }

  /** A read: from the mirror, after a quorum confirmed that it is still the leader's. */
  async #look<T>(answer: (sight: Sight, leader: Leader) => Outcome<T>): Promise<Outcome<T>> {
    const leader = this.#options.leader();
    if (leader === null || !(await leader.confirm())) return problem(notLeading());
    return answer(this.#sight(leader), leader);
  }

  /** A change: the guarded write shows whether this manager leads. */
  async #lead<T>(
    act: (leader: Leader, sight: () => Sight) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const leader = this.#options.leader();
    if (leader === null) return problem(notLeading());
    try {
      return await act(leader, () => this.#sight(leader));
    } catch (error) {
      return storeProblem(error);
    }
  }

  #sight(leader: Leader): Sight {
    return { mirror: leader.mirror, observations: this.#options.book.observe(leader.mirror) };
  }

  #findings(leader: Leader, { mirror, observations }: Sight): StatusView['findings'] {
    const findings = [...storeFindings(leader, this.#options.store)];
    for (const finding of findingsOf(mirror, observations)) {
      findings.push({ ...finding, try: [...finding.try] });
    }
    return findings;
  }
}

/** What keeps the store from taking writes: its own word, or the last write that it did not take. */
function storeFindings(leader: Leader, store: Store): StatusView['findings'] {
  const { notTaken } = leader;
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
