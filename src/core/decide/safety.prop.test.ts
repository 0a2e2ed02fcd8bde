import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId, operationId, type VmId } from '../model/ids.ts';
import { defaultMigrationLimits } from '../model/move.ts';
import type { Incarnation } from '../model/node.ts';
import type { Permit } from '../model/permit.ts';
import type { VmDesired, VmRecord } from '../model/vm.ts';
import type { CommandOutcome } from '../observations.ts';
import type { AddressedCommand } from '../plan.ts';
import { cancelMove, moveVm } from '../request/move.ts';
import { setDesired } from '../request/vm.ts';
import { openDraft } from './draft.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';
import { silentSinceMs } from '../timing/silence.ts';

/** What is really so on one machine, whatever anybody believes. */
interface Machine {
  readonly name: string;
  powered: boolean;
  frozen: boolean;
  cut: boolean;
  boot: number;
  start: number;
  /** Survives reboots: the agent's state file. */
  readonly tokens: Map<VmId, number>;
  epochSeen: number;
  running: Map<VmId, Permit>;
  /** Copies of migrations, standing still; `whole` = one that may be woken. */
  copies: Map<VmId, { readonly permit: Permit; readonly whole: boolean }>;
  /** VMs that left by a migration, as libvirt tells for a while. */
  left: Set<VmId>;
}

const names = ['n1', 'n2', 'n3', 'n4'];
const vmNames = ['a', 'b', 'c'];

/** Truth and belief side by side, moved by a list of numbers. Agents keep DESIGN §2.3 and no more. */
class Walk {
  readonly world = new TestWorld();
  readonly machines = new Map<string, Machine>();
  readonly vms: readonly VmId[];
  /** Every command ever sent may arrive at any time, any number of times. */
  readonly inFlight: { readonly epoch: number; readonly sent: AddressedCommand }[] = [];
  readonly unjustified: string[] = [];
  readonly #results: (() => void)[] = [];

  constructor() {
    for (const name of names) {
      this.world.addNode(name);
      this.machines.set(name, {
        name,
        powered: true,
        frozen: false,
        cut: false,
        boot: 1,
        start: 1,
        tokens: new Map(),
        epochSeen: 1,
        running: new Map(),
        copies: new Map(),
        left: new Set(),
      });
    }
    this.vms = vmNames.map((name) => this.world.addVm(name));
  }

  pick(index: number): Machine {
    const machine = this.machines.get(names[index % names.length] ?? 'n1');
    if (machine === undefined) throw new Error('no machine');
    return machine;
  }

  #incarnation(machine: Machine): Incarnation {
    return incarnationOf(machine.name, machine.boot, machine.start);
  }

  #talks(machine: Machine): boolean {
    return machine.powered && !machine.frozen && !machine.cut;
  }

  act(action: number, argument: number): void {
    const machine = this.pick(argument);
    switch (action % 16) {
      case 0:
      case 1:
      case 2:
        this.#pass([100, 500, 1000, 3000][argument % 4] ?? 100);
        break;
      case 3:
      case 4:
        for (const one of this.machines.values()) this.#report(one);
        break;
      case 5:
      case 6:
        this.#deliver(argument);
        break;
      case 7:
        this.#results.splice(argument % Math.max(1, this.#results.length), 1)[0]?.();
        break;
      case 8:
        machine.cut = !machine.cut;
        break;
      case 9:
        this.#lose(machine);
        break;
      case 10:
        this.#boot(machine);
        break;
      case 11:
        machine.frozen = !machine.frozen;
        break;
      case 12:
        if (machine.powered && !machine.frozen) machine.start += 1;
        break;
      case 13:
        this.#readDevices();
        break;
      case 14:
        this.#restartManager(argument);
        break;
      default:
        this.#user(argument);
    }
    this.#decide();
  }

  #pass(ms: number): void {
    this.world.nowMs += ms;
    for (const machine of this.machines.values())
      if (argumentIsHeard(machine, this.world)) this.#beat(machine);
  }

  #beat(machine: Machine): void {
    if (!this.#talks(machine)) return;
    const seen = this.world.seen.get(nodeId(machine.name));
    if (seen?.incarnation?.id === this.#incarnation(machine).id) this.world.beat(machine.name);
    else this.#report(machine);
  }

  #report(machine: Machine): void {
    if (!this.#talks(machine)) return;
    const domains = [
      ...[...machine.running].map(([vm, permit]) => this.world.domain(vm, { permit })),
      ...[...machine.copies].map(([vm, { permit, whole }]) =>
        this.world.domain(vm, { permit, state: 'paused', reason: whole ? 'user' : 'migration' }),
      ),
    ];
    this.world.connect(machine.name, this.#incarnation(machine), domains);
  }

  #lose(machine: Machine): void {
    machine.powered = false;
    machine.running = new Map();
    machine.copies = new Map();
    machine.left = new Set();
  }

  #boot(machine: Machine): void {
    if (machine.powered) return;
    machine.powered = true;
    machine.frozen = false;
    machine.boot += 1;
    machine.start = 1;
  }

  /** One command arrives at its node, which checks it as DESIGN §2.3 demands. */
  #deliver(argument: number): void {
    const flight = this.inFlight[argument % Math.max(1, this.inFlight.length)];
    if (flight === undefined) return;
    const { command, node, incarnation } = flight.sent;
    const machine = this.machines.get(node);
    if (machine === undefined || !machine.powered || machine.frozen) return;
    const vm = 'permit' in command ? command.permit.vm : command.vm;
    const seen = machine.tokens.get(vm) ?? 0;
    if (flight.epoch < machine.epochSeen || incarnation !== this.#incarnation(machine).id) return;
    machine.epochSeen = flight.epoch;
    const lease = this.world.seen.get(node)?.lastLeaseMs ?? 0;
    const holdsLease = this.world.nowMs - lease <= this.world.settings.timing.leaseTtlMs;
    const token =
      command.kind === 'migrate'
        ? command.target.token
        : 'permit' in command
          ? command.permit.token
          : command.token;
    const lessens = command.kind === 'release' || command.kind === 'abort';
    if (token < seen || (!lessens && !holdsLease)) return;
    if (!lessens && command.kind !== 'resume' && token === seen) return;
    const outcome = this.#carryOut(machine, command, argument);
    if (outcome === null) return;
    machine.tokens.set(vm, token);
    this.#results.push(() => {
      if (!this.#talks(machine)) return;
      if (this.world.commands.has(command.operation))
        this.world.outcome(command.operation, outcome);
    });
  }

  /** What a command does, and what its agent says of it; null = it is refused. */
  #carryOut(
    machine: Machine,
    command: AddressedCommand['command'],
    argument: number,
  ): CommandOutcome | null {
    const done = { kind: 'done' } as const;
    const failed = (code: string) => ({ kind: 'failed', code, detail: '' }) as const;
    switch (command.kind) {
      case 'release':
        machine.running.delete(command.vm);
        machine.copies.delete(command.vm);
        machine.left.delete(command.vm);
        return done;
      case 'start':
        if (machine.running.has(command.permit.vm) || machine.copies.has(command.permit.vm)) {
          return null;
        }
        machine.running.set(command.permit.vm, command.permit);
        machine.left.delete(command.permit.vm);
        return done;
      case 'permit':
        if (!machine.running.has(command.permit.vm)) return null;
        machine.running.set(command.permit.vm, command.permit);
        return done;
      case 'prepare': {
        const { vm } = command.permit;
        return machine.running.has(vm) || machine.copies.has(vm) ? null : done;
      }
      case 'migrate':
        return this.#migrate(machine, command, argument);
      case 'abort':
        if (machine.running.has(command.vm)) return done;
        return failed(machine.left.has(command.vm) ? 'migrated' : 'gone');
      case 'act':
        return done;
      case 'resume':
        return this.#wake(machine, command);
      default:
        return command satisfies never;
    }
  }

  /** A copy that is whole goes on; one that carries another token is left alone. */
  #wake(
    machine: Machine,
    command: Extract<AddressedCommand['command'], { kind: 'resume' }>,
  ): CommandOutcome | null {
    const { permit, previousToken } = command;
    const copy = machine.copies.get(permit.vm);
    if (copy?.whole !== true) return { kind: 'failed', code: 'noCopy', detail: '' };
    const fits = copy.permit.token === permit.token;
    if (!fits && copy.permit.token !== previousToken) return null;
    machine.copies.delete(permit.vm);
    machine.running.set(permit.vm, permit);
    return { kind: 'done' };
  }

  /** One in three goes well; in others the copy is left unfinished, or is whole and nobody knows. */
  #migrate(
    machine: Machine,
    command: Extract<AddressedCommand['command'], { kind: 'migrate' }>,
    argument: number,
  ): CommandOutcome | null {
    const { vm } = command.permit;
    if (machine.running.get(vm)?.token !== command.permit.token) return null;
    const target = this.machines.get(command.target.node);
    const luck = argument % 4;
    const isThere = target?.powered === true && !target.frozen && !target.cut;
    if (!isThere || target.running.has(vm) || target.copies.has(vm)) {
      return { kind: 'failed', code: 'libvirtRpc', detail: '' };
    }
    target.copies.set(vm, { permit: command.target, whole: luck !== 3 });
    if (luck >= 2) return { kind: 'failed', code: 'notMigrated', detail: '' };
    machine.running.delete(vm);
    machine.left.add(vm);
    return luck === 0 ? { kind: 'done' } : { kind: 'ambiguous', detail: '' };
  }

  /** Every open operation's BMC is read, and obeys when it may be told. */
  #readDevices(): void {
    for (const fence of this.world.fences.values()) {
      if (fence.phase !== 'intent' && fence.phase !== 'acting') continue;
      const machine = this.machines.get(fence.node);
      if (machine === undefined) continue;
      if (machine.powered && fence.phase === 'acting') this.#lose(machine);
      if (machine.powered) this.world.execution(fence.id, { wantsToAct: true });
      this.world.read(fence.id, `${fence.node}/bmc`, machine.powered ? 'on' : 'off');
    }
  }

  #restartManager(argument: number): void {
    if (argument % 3 !== 0) return;
    this.world.epoch = (this.world.epoch + 1) as typeof this.world.epoch;
    this.world.observingSinceMs = this.world.nowMs;
    for (const node of this.world.nodes.values()) {
      const incarnation = node.incarnation?.id ?? null;
      this.world.incarnationSince.set(node.id, { incarnation, ms: this.world.nowMs });
    }
    this.world.seen.clear();
    this.world.executions.clear();
    this.world.commands.clear();
    this.#results.length = 0;
    for (const fence of this.world.fences.values()) {
      this.world.fencePhaseSince.set(fence.id, { ms: this.world.nowMs, wall: '' });
    }
  }

  pendingResults(): number {
    return this.#results.length;
  }

  desire(vm: VmId, desired: VmDesired): void {
    const draft = openDraft(this.world, this.world.observe());
    setDesired(draft, this.world.vm(vm), desired, { force: false });
    this.world.commit(draft.finish({ commands: [], fences: [] }));
  }

  /** A person wants it elsewhere, or no longer. */
  #move(vm: VmId, argument: number): void {
    const draft = openDraft(this.world, this.world.observe());
    const way = (['live', 'liveOrCold', 'cold'] as const)[argument % 3] ?? 'live';
    if (argument % 11 === 0) cancelMove(draft, this.world.vm(vm));
    else moveVm(draft, this.world.vm(vm), { to: null, way, limits: defaultMigrationLimits });
    this.world.commit(draft.finish({ commands: [], fences: [] }));
  }

  #user(argument: number): void {
    const vm = this.vms[argument % this.vms.length];
    if (vm === undefined) return;
    if (argument % 5 < 3) {
      this.#move(vm, argument);
      return;
    }
    const states = ['running', 'running', 'running', 'stopped', 'stopped', 'disabled', 'ignored'];
    this.desire(vm, (states[argument % states.length] ?? 'running') as VmDesired);
  }

  #decide(): void {
    for (let round = 0; round < 20; round += 1) {
      const before = new Map(this.world.vms);
      const plan = this.world.step();
      for (const sent of plan.commands) {
        this.inFlight.push({ epoch: this.world.epoch, sent });
        if (!('permit' in sent.command)) continue;
        const { kind, permit } = sent.command;
        const record = before.get(permit.vm);
        const committed = kind === 'prepare' ? record?.move?.migration?.target : record?.permit;
        if (JSON.stringify(committed) !== JSON.stringify(permit)) {
          this.unjustified.push(`command for ${permit.vm} without its committed permit`);
        }
      }
      for (const [id, record] of before) this.#judgeOwnerChange(record, this.world.vms.get(id));
      if (plan.changes.length === 0) return;
    }
    throw new Error('decisions do not come to rest');
  }

  /** DESIGN §2.2, told from the records alone. */
  #judgeOwnerChange(before: VmRecord, after: VmRecord | undefined): void {
    const old = before.permit;
    const next = after?.permit ?? null;
    if (old === null || JSON.stringify(old) === JSON.stringify(next)) return;
    if (next !== null && next.token <= old.token) {
      this.unjustified.push(`the token of ${before.id} did not grow`);
    }
    if (next !== null && next.node === old.node) return;
    const proven = [...this.world.fences.values()].some(
      (fence) => fence.incarnation.id === old.incarnation && fence.proof !== null,
    );
    const command =
      before.operation === null ? undefined : this.world.commands.get(before.operation.id);
    const released =
      before.operation?.kind === 'release' &&
      command?.outcome?.kind === 'done' &&
      command.incarnation === old.incarnation;
    if (!proven && !released && !this.#isHandedOver(before, next))
      this.unjustified.push(`${before.id} left ${old.node} without a proof`);
  }

  /** The source said that the VM left by the recorded migration, whose target gets it. */
  #isHandedOver(before: VmRecord, next: Permit | null): boolean {
    const migration = before.move?.migration ?? null;
    if (migration === null || next?.node !== migration.target.node) return false;
    const said = (verb: string) =>
      this.world.commands.get(operationId(`${verb}/${before.id}/${migration.target.token}`))
        ?.outcome;
    const aborted = said('abort');
    return (
      said('migrate')?.kind === 'done' ||
      (aborted?.kind === 'failed' && aborted.code === 'migrated')
    );
  }

  /** VMs that may write from two machines now. */
  doubles(): readonly string[] {
    return this.vms
      .map((vm) => [...this.machines.values()].filter((one) => one.powered && one.running.has(vm)))
      .filter((on) => on.length > 1)
      .map((on) => on.map((one) => one.name).join('+'));
  }
}

function argumentIsHeard(machine: Machine, world: TestWorld): boolean {
  const seen = world.seen.get(nodeId(machine.name));
  return seen === undefined || silentSinceMs(seen, world.observe()) < world.nowMs;
}

const walks = fc.array(fc.tuple(fc.nat({ max: 15 }), fc.nat({ max: 1000 })), {
  minLength: 50,
  maxLength: 400,
  size: 'max',
});

describe('decisions against machines that fail in any order', () => {
  it('never let a VM run on two machines', () => {
    fc.assert(
      fc.property(walks, (steps) => {
        const walk = new Walk();
        for (const [action, argument] of steps) {
          walk.act(action, argument);
          expect(walk.doubles()).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('every command carries the committed permit, and every owner changes by release or proof', () => {
    fc.assert(
      fc.property(walks, (steps) => {
        const walk = new Walk();
        for (const [action, argument] of steps) walk.act(action, argument);
        expect(walk.unjustified).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('reach failovers, reboots and agent restarts at all', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(walks, (steps) => {
        const walk = new Walk();
        for (const [action, argument] of steps) walk.act(action, argument);
        for (const event of walk.world.events) reached.add(event);
        for (const fence of walk.world.fences.values()) reached.add(fence.proof?.kind ?? 'none');
      }),
      { numRuns: 60, seed: 7 },
    );
    const rare = [
      'powerOff',
      'newBoot',
      'AGENT_RESTARTED',
      'FENCE_CANCELLED',
      'FAILOVER_COMPLETED',
      'VM_MIGRATION_FAILED',
    ];
    expect([...reached]).toEqual(expect.arrayContaining(rare));
  });

  it('once everything is well again every wanted VM runs', () => {
    fc.assert(
      fc.property(walks, (steps) => {
        const walk = new Walk();
        for (const [action, argument] of steps) walk.act(action, argument);
        for (const machine of walk.machines.values()) {
          machine.cut = false;
          machine.frozen = false;
          if (!machine.powered) walk.act(10, names.indexOf(machine.name));
        }
        for (const vm of walk.vms) {
          walk.desire(vm, 'running');
        }
        for (let round = 0; round < 400; round += 1) {
          walk.act(0, 2);
          walk.act(3, 0);
          walk.act(13, 0);
          for (let index = walk.inFlight.length - 12; index < walk.inFlight.length; index += 1) {
            if (index >= 0) walk.act(5, index);
          }
          while (walk.pendingResults() > 0) walk.act(7, 0);
        }
        expect(walk.vms.map((vm) => walk.world.vm(vm).phase)).toEqual([
          'running',
          'running',
          'running',
        ]);
      }),
      { numRuns: 15 },
    );
  });
});
