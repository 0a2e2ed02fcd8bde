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
import { failoverId, nodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import type { Store } from '../../store/store.ts';
import { StoreUnavailable } from '../../store/store.ts';
import type { Leader } from '../leader.ts';
import type { ManagerMetrics } from '../metrics.ts';
import type { ObservationBook } from '../observation-book.ts';
import type { EventLog } from './event-log.ts';
import { explainTopic } from './explain-service.ts';
import type { JoinService } from './join-service.ts';
import { unknownNode, type NodeService } from './node-service.ts';
import { failoverView, nodeView, vmView, type Sight } from './views.ts';
import { findVm, unknownVm, type VmService } from './vm-service.ts';

export interface ManagerServiceOptions {
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
      const { mirror, observations } = sight;
      const status = store.status();
      const findings = [...this.#storeFindings(leader), ...findingsOf(mirror, observations)];
      return ok({
        clusterId,
        clusterName,
        health: !status.hasQuorum ? 'noQuorum' : findings.length > 0 ? 'degraded' : 'healthy',
        leader: name,
        epoch: mirror.epoch,
        revision: status.revision,
        profile: mirror.settings.profile,
        managers: status.members.map((member) => ({ ...member })),
        findings: findings.map((finding) => ({ ...finding, try: [...finding.try] })),
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

  async metrics(): Promise<string> {
    const { metrics, book } = this.#options;
    const leader = this.#options.leader();
    metrics.leading.set(leader === null ? 0 : 1);
    if (leader !== null) {
      const { mirror } = leader;
      const sight = { mirror, observations: book.observe(mirror) };
      metrics.epoch.set(mirror.epoch);
      count(
        metrics.nodes,
        [...mirror.nodes.values()].map((node) => nodeView(node, sight).state),
      );
      count(
        metrics.vms,
        [...mirror.vms.values()].map((vm) => vmView(vm, sight).state),
      );
      metrics.findings.reset();
      for (const finding of findingsOf(mirror, sight.observations)) {
        metrics.findings.inc({ severity: finding.severity });
      }
    }
    return metrics.registry.metrics();
  }

  /** A read: from the mirror, after a quorum confirmed that it is still the leader's. */
  async #look<T>(answer: (sight: Sight, leader: Leader) => Outcome<T>): Promise<Outcome<T>> {
    const leader = this.#options.leader();
    if (leader === null || !(await leader.confirm())) return problem(notLeading());
    return answer(this.#sight(leader), leader);
  }

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

  #storeFindings(leader: Leader): StatusView['findings'] {
    const because = leader.readOnly ?? this.#options.store.status().readOnly;
    if (because === null) return [];
    return [
      {
        code: 'STORE_READ_ONLY',
        severity: 'critical',
        subject: '',
        text: because,
        try: ['free space on the disk of the data directory'],
      },
    ];
  }
}

function sorted<T extends { readonly name: string }>(views: T[]): T[] {
  return views.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function count(gauge: ManagerMetrics['nodes'], states: readonly string[]): void {
  gauge.reset();
  for (const state of states) gauge.inc({ state });
}

function notLeading(): Problem {
  return {
    code: 'E_NOT_LEADER',
    what: 'this manager cannot answer',
    because: 'it does not lead, or cannot reach a quorum to confirm that it does',
    so: 'nothing was done',
    try: ['ask another manager', 'run the command again in a few seconds'],
  };
}

function storeProblem(error: unknown): { readonly kind: 'problem'; readonly problem: Problem } {
  if (!(error instanceof StoreUnavailable)) throw error;
  return problem({
    code: 'E_UNAVAILABLE',
    what: 'the store does not answer',
    because: error.message,
    so: 'nothing is known to have changed',
    try: ['kennel status'],
  });
}
