import type { ClusterState, Counters } from '../cluster-state.ts';
import type { FailoverRecord } from '../model/failover.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import {
  bootId,
  epoch,
  incarnationId,
  managerId,
  nodeId,
  token,
  vmId,
  type FailoverId,
  type FenceId,
  type IncarnationId,
  type ManagerId,
  type NodeId,
  type OperationId,
  type VmId,
} from '../model/ids.ts';
import type { Stretch } from '../hold/majority.ts';
import { noMembership, type MembershipRecord } from '../model/membership.ts';
import type { Incarnation, NodeRecord } from '../model/node.ts';
import type { PlacementRule, RuleId } from '../model/placement-rule.ts';
import type { PowerReading } from '../model/proof.ts';
import type { AlertRecord } from '../model/alert.ts';
import { armed, type ArmingRecord } from '../model/arming.ts';
import { idleGovernor, type GovernorRecord } from '../model/governor.ts';
import { emptyRoster, type ManagerRecord, type Roster } from '../model/manager.ts';
import { defaultSettings, type ClusterSettings } from '../model/settings.ts';
import { defaultLimits, noTries } from '../model/vm.ts';
import type { VmRecord, VmSpec } from '../model/vm.ts';
import type {
  CommandObservation,
  CommandOutcome,
  DomainObservation,
  FenceObservation,
  ManagersHeard,
  NodeObservation,
  Observations,
  PeerReport,
  PeerSighting,
  Stall,
  PlacementObservation,
} from '../observations.ts';
import { keyOf } from '../cluster-state.ts';
import { decide } from '../decide/decide.ts';
import type { Plan } from '../plan.ts';

const wall = (nowMs: number): string =>
  `2026-01-01T00:${String(Math.floor(nowMs / 60_000)).padStart(2, '0')}:${((nowMs % 60_000) / 1000).toFixed(3).padStart(6, '0')}Z`;

export const incarnationOf = (node: string, boot = 1, start = 1): Incarnation => ({
  id: incarnationId(`${node}-boot${boot}.${start}`),
  bootId: bootId(`${node}-boot${boot}`),
  isolation: 'holding',
});

export const specOf = (name: string, change: Partial<VmSpec> = {}): VmSpec => ({
  name,
  vcpus: 1,
  memoryMiB: 100,
  disks: [],
  interfaces: [],
  priority: 'medium',
  definition: { kind: 'typed', machine: null, emulated: true },
  consoleLog: null,
  separateFrom: [],
  nodes: [],
  limits: defaultLimits,
  ...change,
});

/** A hand-driven cluster for tests of decisions: commits what is decided, observes what it is told. */
export class TestWorld implements ClusterState {
  epoch = epoch(1);
  settings: ClusterSettings = defaultSettings('default');
  counters: Counters = { kind: 'counters', fence: 0, token: token(0) };
  roster: Roster = emptyRoster;
  governor: GovernorRecord = idleGovernor;
  arming: ArmingRecord = armed;
  readonly alerts = new Map<string, AlertRecord>();
  readonly managers = new Map<ManagerId, ManagerRecord>();
  readonly nodes = new Map<NodeId, NodeRecord>();
  readonly vms = new Map<VmId, VmRecord>();
  readonly rules = new Map<RuleId, PlacementRule>();
  readonly fences = new Map<FenceId, FenceOperation>();
  readonly failovers = new Map<FailoverId, FailoverRecord>();

  nowMs = 100_000;
  observingSinceMs = 0;
  leadingSinceMs = 0;
  readonly leaseGrantedMs = new Map<NodeId, number>();
  readonly stalls: Stall[] = [];
  readonly seen = new Map<NodeId, NodeObservation>();
  readonly executions = new Map<FenceId, FenceObservation>();
  readonly commands = new Map<OperationId, CommandObservation>();
  readonly vmPhaseSinceMs = new Map<VmId, number>();
  readonly vmWaitSinceMs = new Map<VmId, number>();
  readonly vmMoveSinceMs = new Map<VmId, number>();
  placement: PlacementObservation = { isDue: true, isUneven: false };
  readonly fencePhaseSince = new Map<FenceId, { ms: number; wall: string }>();
  readonly incarnationSince = new Map<NodeId, { incarnation: IncarnationId | null; ms: number }>();
  readonly flapsSince = new Map<NodeId, { flaps: number; ms: number }>();
  readonly peers = new Map<NodeId, PeerReport>();
  readonly confirmed = new Map<NodeId, readonly Stretch[]>();
  membership: MembershipRecord = noMembership;
  managersHeard: ManagersHeard = { others: 0, heard: 0, sights: new Map() };
  readonly events: string[] = [];

  observe(): Observations {
    return {
      nowMs: this.nowMs,
      nowWall: wall(this.nowMs),
      observingSinceMs: this.observingSinceMs,
      leadingSinceMs: this.leadingSinceMs,
      leaseGrantedMs: this.leaseGrantedMs,
      stalls: this.stalls,
      nodes: this.seen,
      fences: this.executions,
      commands: this.commands,
      vmPhaseSinceMs: this.vmPhaseSinceMs,
      vmWaitSinceMs: this.vmWaitSinceMs,
      vmMoveSinceMs: this.vmMoveSinceMs,
      placement: this.placement,
      fencePhaseSince: this.fencePhaseSince,
      incarnationSince: this.incarnationSince,
      flapsSince: this.flapsSince,
      peers: this.peers,
      confirmed: this.confirmed,
      managers: this.managersHeard,
    };
  }

  /** An enrolled node with a BMC; admitted and heard unless said otherwise. */
  addNode(name: string, change: Partial<NodeRecord> = {}): NodeId {
    const id = nodeId(name);
    this.nodes.set(id, {
      kind: 'node',
      id,
      machineId: `machine-${name}`,
      address: name,
      capacity: { memoryMiB: 1000, vcpus: 4 },
      labels: {},
      phase: 'online',
      cordoned: false,
      incarnation: incarnationOf(name),
      fence: null,
      fenceTopology: [
        {
          devices: [
            {
              id: `${name}/bmc`,
              driver: 'test',
              settings: {},
              identity: `guid-${name}`,
              settleMs: 2000,
              outlet: `test ${name}`,
            },
          ],
        },
      ],
      certificateFingerprint: 'f',
      ...change,
    });
    this.incarnationSince.set(id, { incarnation: incarnationOf(name).id, ms: 0 });
    this.connect(name, incarnationOf(name));
    return id;
  }

  connect(
    name: string,
    incarnation: Incarnation,
    domains: readonly DomainObservation[] = [],
  ): void {
    this.seen.set(nodeId(name), {
      incarnation,
      sessionOpen: true,
      lastHeartbeatMs: this.nowMs,
      lastHeartbeatWall: wall(this.nowMs),
      aliveAtMs: this.nowMs,
      lastLeaseMs: this.nowMs,
      gapsMs: [],
      rival: null,
      report: {
        incarnation: incarnation.id,
        receivedMs: this.nowMs,
        hypervisor: 'ok',
        domains: new Map(domains.map((domain) => [domain.vm, domain])),
        capacity: { memoryMiB: 1000, vcpus: 4 },
        degraded: null,
        mending: null,
        leaving: null,
      },
    });
  }

  beat(...names: readonly string[]): void {
    for (const name of names) {
      const before = this.seen.get(nodeId(name));
      if (before === undefined) throw new Error(`${name} was never connected`);
      this.seen.set(nodeId(name), {
        ...before,
        lastHeartbeatMs: this.nowMs,
        lastHeartbeatWall: wall(this.nowMs),
        aliveAtMs: this.nowMs,
        lastLeaseMs: this.nowMs,
      });
    }
  }

  /** A gap in the heartbeats of these nodes ends now. */
  gap(...names: readonly string[]): void {
    for (const name of names) {
      const before = this.seen.get(nodeId(name));
      if (before === undefined) throw new Error(`${name} was never connected`);
      this.seen.set(nodeId(name), { ...before, gapsMs: [...before.gapsMs, this.nowMs] });
    }
  }

  /** The agent of `by` tells now whether it had an answer of `of`; one that it had before stays known. */
  sighted(by: string, of: string, isSeen: boolean, boot = incarnationOf(of).bootId): void {
    const before = this.peers.get(nodeId(by))?.nodes ?? new Map<NodeId, PeerSighting>();
    const known = before.get(nodeId(of)) ?? { bootId: null, atMs: null, certainMs: null };
    const now = isSeen ? { bootId: boot, atMs: this.nowMs, certainMs: this.nowMs } : known;
    this.peers.set(nodeId(by), {
      incarnation: this.seen.get(nodeId(by))?.incarnation?.id ?? incarnationOf(by).id,
      receivedMs: this.nowMs,
      nodes: new Map([...before, [nodeId(of), now]]),
    });
  }

  report(name: string, domains: readonly DomainObservation[] | null): void {
    const before = this.seen.get(nodeId(name));
    if (before?.report == null) throw new Error(`${name} was never connected`);
    this.seen.set(nodeId(name), {
      ...before,
      report: {
        ...before.report,
        receivedMs: this.nowMs,
        hypervisor: domains === null ? 'unreachable' : 'ok',
        domains: domains === null ? null : new Map(domains.map((domain) => [domain.vm, domain])),
      },
    });
  }

  /** Its operating system goes down, or not. */
  say(name: string, leaving: 'reboot' | 'shutdown' | null): void {
    const before = this.seen.get(nodeId(name));
    if (before?.report == null) throw new Error(`${name} was never connected`);
    this.seen.set(nodeId(name), { ...before, report: { ...before.report, leaving } });
  }

  reportCapacity(name: string, capacity: NodeRecord['capacity']): void {
    const before = this.seen.get(nodeId(name));
    if (before?.report == null) throw new Error(`${name} was never connected`);
    this.seen.set(nodeId(name), { ...before, report: { ...before.report, capacity } });
  }

  addVm(name: string, change: Partial<VmRecord> = {}): VmId {
    const id = vmId(`vm-${name}`);
    this.vms.set(id, {
      kind: 'vm',
      id,
      spec: specOf(name),
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
    return id;
  }

  /** A VM that runs on a node by its permit and is reported so. */
  addRunningVm(name: string, node: string, change: Partial<VmRecord> = {}): VmId {
    const incarnation = this.nodes.get(nodeId(node))?.incarnation;
    if (incarnation == null) throw new Error(`${node} has no incarnation`);
    const id = vmId(`vm-${name}`);
    const permit = { vm: id, node: nodeId(node), incarnation: incarnation.id, token: token(1) };
    this.addVm(name, {
      phase: 'running',
      permit,
      home: permit.node,
      lastToken: token(1),
      ...change,
    });
    const domains = [...(this.seen.get(nodeId(node))?.report?.domains?.values() ?? [])];
    this.report(node, [...domains, this.domain(id)]);
    return id;
  }

  /** The domain of a VM as its owner would report it: active, with the recorded permit. */
  domain(id: VmId, change: Partial<DomainObservation> = {}): DomainObservation {
    const vm = this.vm(id);
    return {
      vm: id,
      name: vm.spec.name,
      active: true,
      state: 'running',
      reason: 'booted',
      permit: vm.permit,
      ...change,
    };
  }

  vm(id: VmId): VmRecord {
    const vm = this.vms.get(id);
    if (vm === undefined) throw new Error(`no VM ${id}`);
    return vm;
  }

  node(id: NodeId): NodeRecord {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  onlyFence(): FenceOperation {
    const [fence] = this.fences.values();
    if (fence === undefined) throw new Error('no fence operation');
    return fence;
  }

  execution(fence: FenceId, change: Partial<FenceObservation>): void {
    const before = this.executions.get(fence) ?? {
      readings: [],
      outstanding: false,
      wantsToAct: false,
      wantsToTell: [],
      level: null,
      firstOffWall: null,
      attempts: [],
      errors: new Map(),
    };
    this.executions.set(fence, { ...before, ...change });
  }

  read(fence: FenceId, device: string, power: PowerReading['power'], identity?: string): void {
    const node = device.split('/')[0] ?? '';
    const reading = { device, power, atMs: this.nowMs, identity: identity ?? `guid-${node}` };
    this.execution(fence, {
      readings: [...(this.executions.get(fence)?.readings ?? []), reading],
    });
  }

  outcome(operation: OperationId, outcome: CommandOutcome): void {
    const sent = this.commands.get(operation);
    if (sent === undefined) throw new Error(`${operation} was never sent`);
    this.commands.set(operation, { ...sent, outcome, outcomeMs: this.nowMs });
  }

  /** One decision, committed; what it sends counts as sent. */
  step(): Plan {
    const plan = decide(this, this.observe());
    for (const { incarnation, command } of plan.commands) {
      const sent = { incarnation, sentMs: this.nowMs, outcome: null, outcomeMs: null };
      this.commands.set(command.operation, sent);
    }
    this.commit(plan);
    return plan;
  }

  /** Decides until nothing changes any more; all plans, in order. */
  settle(): readonly Plan[] {
    const plans: Plan[] = [];
    for (let round = 0; round < 20; round += 1) {
      const plan = this.step();
      plans.push(plan);
      if (plan.changes.length === 0) return plans;
    }
    const last = plans.slice(-2).flatMap((plan) => plan.changes);
    throw new Error(`decisions do not come to rest: ${JSON.stringify(last)}`);
  }

  commit(plan: Plan): void {
    for (const event of plan.events) this.events.push(event.code);
    for (const change of plan.changes) {
      if (change.kind === 'delete') {
        this.vms.delete(vmId(change.key.slice(3)));
        this.nodes.delete(nodeId(change.key.slice(5)));
        this.managers.delete(managerId(change.key.slice(8)));
        this.rules.delete(change.key.slice(5));
        continue;
      }
      const { object } = change;
      if (!keyOf(object).startsWith(object.kind)) throw new Error('a key that is not of its kind');
      switch (object.kind) {
        case 'settings':
          this.settings = object;
          break;
        case 'counters':
          this.counters = object;
          break;
        case 'roster':
          this.roster = object;
          break;
        case 'governor':
          this.governor = object;
          break;
        case 'arming':
          this.arming = object;
          break;
        case 'membership':
          this.membership = object;
          break;
        case 'alert':
          this.alerts.set(object.id, object);
          break;
        case 'manager':
          this.managers.set(object.id, object);
          break;
        case 'node':
          this.#commitNode(object);
          break;
        case 'vm':
          this.#commitVm(object);
          break;
        case 'rule':
          this.rules.set(object.id, object);
          break;
        case 'fence':
          if (this.fences.get(object.id)?.phase !== object.phase) {
            this.fencePhaseSince.set(object.id, { ms: this.nowMs, wall: wall(this.nowMs) });
          }
          this.fences.set(object.id, object);
          break;
        case 'failover':
          this.failovers.set(object.id, object);
          break;
        default:
          object satisfies never;
      }
    }
  }

  #commitVm(vm: VmRecord): void {
    if (this.vms.get(vm.id)?.phase !== vm.phase) this.vmPhaseSinceMs.set(vm.id, this.nowMs);
    if (vm.wait == null) this.vmWaitSinceMs.delete(vm.id);
    else if (!this.vmWaitSinceMs.has(vm.id)) this.vmWaitSinceMs.set(vm.id, this.nowMs);
    if (vm.move === null) this.vmMoveSinceMs.delete(vm.id);
    else if (!this.vmMoveSinceMs.has(vm.id)) this.vmMoveSinceMs.set(vm.id, this.nowMs);
    this.vms.set(vm.id, vm);
  }

  #commitNode(node: NodeRecord): void {
    const incarnation = node.incarnation?.id ?? null;
    if (this.incarnationSince.get(node.id)?.incarnation !== incarnation) {
      this.incarnationSince.set(node.id, { incarnation, ms: this.nowMs });
    }
    const flaps = node.flaps ?? 0;
    if (this.flapsSince.get(node.id)?.flaps !== flaps) {
      this.flapsSince.set(node.id, { flaps, ms: this.nowMs });
    }
    this.nodes.set(node.id, node);
  }
}
