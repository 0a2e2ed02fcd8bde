import type { VmId } from '../model/ids.ts';
import type { Permit } from '../model/permit.ts';
import type { AddressedCommand } from '../plan.ts';
import type { TestWorld } from './world.ts';

/** Nodes that do at once what they are told, and report it. */
export class Obedient {
  readonly #world: TestWorld;
  readonly #running = new Map<string, Map<VmId, Permit>>();
  /** Migrations to these nodes fail. */
  readonly failing = new Set<string>();

  constructor(world: TestWorld) {
    this.#world = world;
    for (const vm of world.vms.values()) {
      if (vm.permit !== null && vm.phase === 'running')
        this.#on(vm.permit.node).set(vm.id, vm.permit);
    }
  }

  /** Where the VM runs. */
  nodesOf(vm: VmId): readonly string[] {
    return [...this.#running].filter(([, vms]) => vms.has(vm)).map(([node]) => node);
  }

  /** The machine lost its power. */
  lose(node: string): void {
    this.#on(node).clear();
  }

  /** Decides and obeys until nothing is left to do; heartbeats go on, and time passes by `ms` each round. */
  settle(rounds = 40, ms = 100): void {
    const { nodes } = this.#world;
    for (let round = 0; round < rounds; round += 1) {
      this.#world.nowMs += ms;
      for (const { id } of nodes.values()) {
        if (this.#world.seen.get(id)?.sessionOpen === true) this.#world.beat(id);
      }
      const plan = this.#world.step();
      for (const sent of plan.commands) this.#obey(sent);
      this.#report();
    }
  }

  #on(node: string): Map<VmId, Permit> {
    const vms = this.#running.get(node) ?? new Map<VmId, Permit>();
    this.#running.set(node, vms);
    return vms;
  }

  #obey({ node, command }: AddressedCommand): void {
    const here = this.#on(node);
    const answer = (outcome: Parameters<TestWorld['outcome']>[1]): void =>
      this.#world.outcome(command.operation, outcome);
    switch (command.kind) {
      case 'start':
      case 'permit':
      case 'resume':
        here.set(command.permit.vm, command.permit);
        answer({ kind: 'done' });
        break;
      case 'prepare':
        answer({ kind: 'done' });
        break;
      case 'migrate':
        if (this.failing.has(command.target.node)) {
          answer({ kind: 'failed', code: 'notMigrated', detail: 'the link broke' });
          break;
        }
        here.delete(command.permit.vm);
        answer({ kind: 'done' });
        break;
      case 'abort':
        if (here.has(command.vm)) answer({ kind: 'done' });
        else answer({ kind: 'failed', code: 'migrated', detail: '' });
        break;
      case 'act':
        answer({ kind: 'done' });
        break;
      case 'release':
        here.delete(command.vm);
        answer({ kind: 'done' });
        break;
      default:
        command satisfies never;
    }
  }

  #report(): void {
    for (const { id } of this.#world.nodes.values()) {
      if (this.#world.seen.get(id)?.sessionOpen !== true) continue;
      const domains = [...this.#on(id)].flatMap(([vm, permit]) =>
        this.#world.vms.has(vm) ? [this.#world.domain(vm, { permit })] : [],
      );
      this.#world.report(id, domains);
    }
  }
}
