import { vmId } from '../../src/core/model/ids.ts';
import type { FenceOperation } from '../../src/core/model/fence-operation.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { VmRecord } from '../../src/core/model/vm.ts';
import { decodeObject } from '../../src/manager/object-codec.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { SimTaps } from '../sim/taps.ts';
import type { Names } from './names.ts';
import type { ProvenNode, RunOutcome, ServiceMove, ServiceStart, Violation } from './outcome.ts';
import type { Sites } from './sites.ts';

/** One time that a VM's process lived on a node. */
interface Run {
  readonly node: string;
  readonly permit: Permit | null;
  end: 'running' | 'ended' | 'died with its node';
}

/** A message between two managers and the store may be under way when the quorum is lost. */
const inFlightMs = 1000;

/** What the monitor needs that exists only once the cluster is made. */
export interface Watched {
  readonly cluster: SimCluster;
  readonly sites: Sites;
  readonly names: Names;
  /** World time of the scenario's t = 0. */
  readonly zeroMs: number;
}

/**
 * Looks on while a scenario runs: at VM processes and power from below, at the store from the side.
 * It shares no code with the decisions it judges, and changes nothing.
 */
export class Monitor {
  /** To be given to the simulated world. */
  readonly taps: SimTaps = {
    vmRuns: (node, vm, permit, running) => {
      if (running) this.#begins(node, vm, permit);
      else this.#ends(node, vm);
    },
    powerCut: (node) => this.#loses(node),
  };
  readonly #violations: Violation[] = [];
  readonly #proofs: ProvenNode[] = [];
  readonly #fenced: ProvenNode[] = [];
  readonly #powerCut: { node: string; t: number }[] = [];
  readonly #starts: ServiceStart[] = [];
  readonly #moves: ServiceMove[] = [];
  readonly #runs = new Map<string, Run[]>();
  /** Fence operations with a proof, by the boot that they prove dead. */
  readonly #provenBoots = new Set<string>();
  /** Incarnations whose node killed its VMs, and may live on. */
  readonly #selfFenced = new Set<string>();
  readonly #phases = new Map<string, FenceOperation['phase']>();
  /** `vm/token` of permits committed while a majority was there. */
  readonly #permits = new Set<string>();
  /** Where VMs that nobody owns are at home. */
  readonly #homes = new Map<string, string | null>();
  #isByPerson = false;
  #watched: Watched | null = null;
  #seenRevision = 0;
  #quorumMs = 0;
  #overlaps = 0;

  watch(watched: Watched): void {
    this.#watched = watched;
    this.#quorumMs = watched.cluster.world.time.nowMs;
  }

  /** To be called after every event. */
  look(): void {
    const { cluster, sites } = this.#world();
    if (sites.hasQuorum()) this.#quorumMs = cluster.world.time.nowMs;
    const { machine } = cluster.store;
    while (this.#seenRevision < machine.revision) {
      this.#seenRevision = Math.max(this.#seenRevision, machine.compactedRevision) + 1;
      for (const { current } of machine.batchAt(this.#seenRevision).changes) {
        if (current === null || !/^(?:vm|fence)\//.test(current.key)) continue;
        const object = decodeObject(current.value);
        if (object?.kind === 'vm') this.#seesVm(object);
        if (object?.kind === 'fence') this.#seesFence(object);
      }
    }
    const { overlapCount } = cluster.world.writes;
    if (overlapCount > this.#overlaps) {
      this.#overlaps = overlapCount;
      const overlap = cluster.world.writes.overlaps().at(-1);
      const who = [overlap?.first.writer.node, overlap?.second.writer.node].join(' and ');
      this.#violates('single_running_instance', `${overlap?.disk ?? ''} is written by ${who}`);
    }
  }

  /** Committed phase of the newest fence operation against a node; null = there was none. */
  fencePhase(simNode: string): FenceOperation['phase'] | null {
    return this.#phases.get(simNode) ?? null;
  }

  /** Whether the VM has run at all. */
  hasRun(vm: string): boolean {
    return this.#runs.has(vm);
  }

  /** Simulated nodes on which the VM's process lives. */
  nodesOf(vm: string): readonly string[] {
    return (this.#runs.get(vm) ?? []).flatMap((run) => (run.end === 'running' ? [run.node] : []));
  }

  /** What begins in `work` was done by a person, past Kennel: it is no start or move of Kennel's. */
  byPerson(work: () => void): void {
    this.#isByPerson = true;
    work();
    this.#isByPerson = false;
  }

  /** Adds an invariant that is judged by somebody else. */
  report(invariant: string, text: string): void {
    this.#violates(invariant, text);
  }

  summary(): Pick<
    RunOutcome,
    'violations' | 'proofs' | 'fenced' | 'powerCut' | 'starts' | 'moves'
  > {
    return {
      violations: this.#violations,
      proofs: this.#proofs,
      fenced: this.#fenced,
      powerCut: this.#powerCut,
      starts: this.#starts,
      moves: this.#moves,
    };
  }

  #world(): Watched {
    if (this.#watched === null) throw new Error('the monitor watches nothing yet');
    return this.#watched;
  }

  #nowS(): number {
    const { cluster, zeroMs } = this.#world();
    return Math.round(cluster.world.time.nowMs - zeroMs) / 1000;
  }

  #violates(invariant: string, text: string): void {
    this.#violations.push({ invariant, t: this.#nowS(), text });
  }

  #begins(simNode: string, vm: string, permit: Permit | null): void {
    // What the store has is known up to the event before this one.
    this.look();
    const { names } = this.#world();
    const service = names.serviceOf(vm) ?? vm;
    const node = names.scenarioNode(simNode);
    const runs = this.#runs.get(vm) ?? [];
    this.#runs.set(vm, runs);
    if (this.#isByPerson) {
      runs.push({ node: simNode, permit, end: 'running' });
      return;
    }
    if (permit === null || !this.#permits.has(`${vm}/${permit.token}/${permit.node}`)) {
      const held = permit === null ? 'no permit' : `token ${permit.token}`;
      this.#violates('no_start_without_quorum', `${service} began on ${node} with ${held}`);
    }
    const before = runs.at(-1);
    if (before?.end === 'died with its node' && !this.#isProven(before)) {
      const was = names.scenarioNode(before.node);
      this.#violates(
        'no_recovery_before_fence_confirmed',
        `${service} began on ${node}; it had died with ${was}, which was not proven dead`,
      );
    }
    const t = this.#nowS();
    // A guest that was migrated, or was to be, goes on: nobody started it.
    const isBoot =
      this.#world().cluster.node(simNode).hypervisor.find(vmId(vm))?.reason === 'booted';
    if (t >= 0 && isBoot) this.#starts.push({ t, service, node });
    if (t >= 0 && before !== undefined && before.node !== simNode) {
      this.#moves.push({ t, service, from: names.scenarioNode(before.node), to: node });
    }
    runs.push({ node: simNode, permit, end: 'running' });
  }

  #isProven(run: Run): boolean {
    const incarnation = run.permit?.incarnation ?? '';
    const boot = incarnation.split('.')[0] ?? '';
    return this.#provenBoots.has(boot) || this.#selfFenced.has(incarnation);
  }

  #ends(simNode: string, vm: string): void {
    const run = this.#runs.get(vm)?.findLast((one) => one.node === simNode);
    if (run === undefined) return;
    const { bootId } = this.#world().cluster.node(simNode).machine;
    run.end = bootId === null ? 'died with its node' : 'ended';
  }

  #loses(simNode: string): void {
    const { cluster, names } = this.#world();
    if (!cluster.node(simNode).machine.hasPower) return;
    this.#powerCut.push({ node: names.scenarioNode(simNode), t: this.#nowS() });
  }

  #seesVm(vm: VmRecord): void {
    const { cluster, names } = this.#world();
    const home = this.#homes.get(vm.id) ?? null;
    this.#homes.set(vm.id, vm.permit === null ? vm.home : null);
    // A VM that is off is on the node that is its home: a person or a failover gave it another.
    if (vm.permit === null && vm.desired !== 'running' && home !== null && vm.home !== null) {
      const service = names.serviceOf(vm.id) ?? vm.id;
      const move = { from: names.scenarioNode(home), to: names.scenarioNode(vm.home) };
      if (vm.home !== home) this.#moves.push({ t: this.#nowS(), service, ...move });
    }
    if (vm.permit === null || cluster.world.time.nowMs - this.#quorumMs > inFlightMs) return;
    this.#permits.add(`${vm.id}/${vm.permit.token}/${vm.permit.node}`);
  }

  #seesFence(fence: FenceOperation): void {
    const { cluster, names } = this.#world();
    const before = this.#phases.get(fence.node);
    this.#phases.set(fence.node, fence.phase);
    if (fence.phase !== 'proven' || before === 'proven') return;
    const node = names.scenarioNode(fence.node);
    const proven = { node, t: this.#nowS(), proof: fence.proof?.kind ?? 'none' };
    this.#proofs.push(proven);
    if (!cameBack(fence)) this.#fenced.push(proven);
    if (fence.proof?.kind === 'selfFence') {
      this.#selfFenced.add(fence.incarnation.id);
      const left = cluster.node(fence.node).hypervisor.writers();
      for (const vm of left) {
        const service = names.serviceOf(vm) ?? vm;
        this.#violates('fenced_node_dead_before_confirm', `${service} still runs on ${node}`);
      }
      return;
    }
    this.#provenBoots.add(fence.incarnation.bootId);
    if (cluster.node(fence.node).machine.bootId === fence.incarnation.bootId) {
      this.#violates('fenced_node_dead_before_confirm', `${node} still runs the boot proven dead`);
    }
  }
}

/**
 * The node was back with another boot before any device was told anything: nobody fenced it. One
 * that an earlier life of the cluster had begun to fence counts, because what it did is not known.
 */
function cameBack(fence: FenceOperation): boolean {
  const isInherited = fence.epoch === 0;
  return fence.proof?.kind === 'newBoot' && fence.attempts.length === 0 && !isInherited;
}
