import type { NodeId } from '../model/ids.ts';
import type { PlacementRule } from '../model/placement-rule.ts';
import { compileRules, type CompiledRules, type Group, type RulesOfVm } from './compiled-rules.ts';
import { LoadSpread } from './load-spread.ts';
import type { MeasuredUse, PlacementNode, PlacementVm, Waiting } from './site-types.ts';

/** One node with what is promised on it. */
export interface Seat {
  readonly node: PlacementNode;
  readonly index: number;
  memoryMiB: number;
  vcpus: number;
  /** Names of the VMs that have a permit for it. */
  readonly vms: Set<string>;
  /** Names that VMs here must not share it with, and how many of them say so. */
  readonly avoided: Map<string, number>;
}

export interface SiteInput {
  readonly nodes: readonly PlacementNode[];
  /** In force: see `rulesInForce`. */
  readonly rules: readonly PlacementRule[];
  readonly vcpuOvercommit: number;
  /** By VM name; where it is absent, what is configured counts as load. */
  readonly measured?: ReadonlyMap<string, MeasuredUse>;
}

/**
 * What is promised where, kept up to date VM by VM: `put` and `take` cost what the VM's own rules
 * cost, and memory is O(nodes + VMs). The same set of `put`s gives the same site, in any order.
 */
export class Site {
  readonly seats: readonly Seat[];
  readonly rules: CompiledRules;
  readonly vcpuOvercommit: number;
  readonly load: LoadSpread;
  readonly #seatOf: ReadonlyMap<NodeId, Seat>;
  readonly #measured: ReadonlyMap<string, MeasuredUse>;
  /** Names of placed VMs that have rules, and where. */
  readonly #ruled = new Map<string, Seat>();
  /** By rule id: who of it is where. */
  readonly #members = new Map<string, Map<Seat, Set<string>>>();
  readonly #waiting = new Map<string, Waiting>();
  /** Names of placed VMs that have rules and are to go elsewhere. */
  readonly #leaving = new Set<string>();
  readonly #labelValues = new Map<string, number>();

  constructor(input: SiteInput) {
    this.seats = input.nodes.map((node, index) => ({
      node,
      index,
      memoryMiB: 0,
      vcpus: 0,
      vms: new Set<string>(),
      avoided: new Map<string, number>(),
    }));
    this.#seatOf = new Map(this.seats.map((seat) => [seat.node.id, seat]));
    this.rules = compileRules(input.rules);
    this.vcpuOvercommit = input.vcpuOvercommit;
    this.#measured = input.measured ?? new Map();
    this.load = new LoadSpread(input.nodes);
  }

  seat(node: NodeId): Seat | undefined {
    return this.#seatOf.get(node);
  }

  /** Counts a VM that has a permit for a node, also when it is still starting. */
  put(vm: PlacementVm, node: NodeId): void {
    const seat = this.#seatOf.get(node);
    if (seat !== undefined) this.#count(vm, seat, 1);
  }

  /** Takes back a `put`. */
  take(vm: PlacementVm, node: NodeId): void {
    const seat = this.#seatOf.get(node);
    if (seat !== undefined) this.#count(vm, seat, -1);
  }

  /** Notes a VM that is to be placed: its group is placed as one, and its home is spoken for. */
  expect(waiting: Waiting): void {
    if (this.rules.has(waiting.vm.spec.name)) this.#waiting.set(waiting.vm.spec.name, waiting);
  }

  settled(vm: PlacementVm): void {
    this.#waiting.delete(vm.spec.name);
  }

  /** One that is placed here is to go elsewhere: it keeps its room, and binds its group here no more. */
  leave(vm: PlacementVm): void {
    if (!this.rules.has(vm.spec.name)) return;
    this.#leaving.add(vm.spec.name);
    this.expect({ vm, lostOn: null, anew: true });
  }

  /** It has a place to go to, and takes room there too. */
  arrive(vm: PlacementVm, node: NodeId): void {
    this.#leaving.delete(vm.spec.name);
    this.settled(vm);
    this.put(vm, node);
  }

  expected(name: string): Waiting | undefined {
    return this.#waiting.get(name);
  }

  rulesOf(vm: PlacementVm): RulesOfVm | undefined {
    return this.rules.get(vm.spec.name);
  }

  /** How many values a node label has. */
  valuesOf(label: string): number {
    const known = this.#labelValues.get(label);
    if (known !== undefined) return known;
    const values = new Set(this.seats.flatMap((seat) => seat.node.labels[label] ?? []));
    this.#labelValues.set(label, values.size);
    return values.size;
  }

  /** Members of a rule that have a permit for a node. */
  membersOn(ruleId: string, seat: Seat): ReadonlySet<string> | undefined {
    return this.#members.get(ruleId)?.get(seat);
  }

  /** Where members of a rule are, and which. */
  membersOf(ruleId: string): ReadonlyMap<Seat, ReadonlySet<string>> {
    return this.#members.get(ruleId) ?? new Map();
  }

  /**
   * Where a group is bound to: the living node that has most of its members; equal ones by name.
   * Null while nothing of it is placed.
   */
  seatOfGroup(group: Group, without: string): Seat | null {
    const counts = new Map<Seat, number>();
    for (const name of group.vms) {
      const isCounted = name !== without && !this.#leaving.has(name);
      const seat = isCounted ? this.#ruled.get(name) : undefined;
      if (seat?.node.alive === true) counts.set(seat, (counts.get(seat) ?? 0) + 1);
    }
    let best: Seat | null = null;
    for (const [seat, count] of counts) {
      const most = best === null ? 0 : (counts.get(best) ?? 0);
      if (best === null || count > most || (count === most && seat.node.id < best.node.id)) {
        best = seat;
      }
    }
    return best;
  }

  /** What a VM adds to the load of a node: what was measured, else what is configured. */
  useOf(vm: PlacementVm): MeasuredUse {
    const measured = this.#measured.get(vm.spec.name);
    return measured ?? { memoryMiB: vm.spec.memoryMiB, cpus: vm.spec.vcpus };
  }

  #count(vm: PlacementVm, seat: Seat, sign: 1 | -1): void {
    const { name, memoryMiB, vcpus, separateFrom } = vm.spec;
    seat.memoryMiB += sign * memoryMiB;
    seat.vcpus += sign * vcpus;
    if (sign > 0) seat.vms.add(name);
    else seat.vms.delete(name);
    this.load.add(seat.index, this.useOf(vm), sign);
    for (const other of separateFrom) {
      const count = (seat.avoided.get(other) ?? 0) + sign;
      if (count > 0) seat.avoided.set(other, count);
      else seat.avoided.delete(other);
    }
    const rules = this.rules.get(name);
    if (rules === undefined) return;
    if (sign > 0) this.#ruled.set(name, seat);
    else this.#ruled.delete(name);
    for (const rule of rules.counted) this.#note(rule.id, seat, name, sign);
  }

  #note(ruleId: string, seat: Seat, name: string, sign: 1 | -1): void {
    const seats = this.#members.get(ruleId) ?? new Map<Seat, Set<string>>();
    this.#members.set(ruleId, seats);
    const names = seats.get(seat) ?? new Set<string>();
    if (sign > 0) names.add(name);
    else names.delete(name);
    if (names.size > 0) seats.set(seat, names);
    else seats.delete(seat);
  }
}
