import type { Client } from './client.ts';
import { lockedVms } from './locks.ts';
import { unfinishedMaintenance } from './maintenance.ts';
import type { Recorder, VmNow } from './recorder.ts';
import { machineOf, type Stage } from './stage.ts';

export interface OperatorOptions {
  readonly stage: Stage;
  readonly recorder: Recorder;
  readonly client: Client;
  /** A dark or hung machine is left alone for so long, ms. */
  readonly afterMs: number;
}

/** Longest time for which a running node may stay unproven or fenced before the person helps, ms. */
const stuckMs = 60_000;

/** A person looks after an incident for so long before releasing it, ms. */
const lookMs = 10_000;

/** A machine that is to go down may wait for its VMs for so long before it is made to, ms. */
const goesDownMs = 60_000;

/**
 * The person beside the cluster, who looks once a second: pushes the buttons of dark and hung
 * machines, asks why a VM does not run, and after everything was healed does what Kennel says only a
 * person can do.
 */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #darkSinceMs = new Map<string, number>();
  readonly #stuckSinceMs = new Map<string, number>();
  readonly #goingSinceMs = new Map<string, number>();
  #held: { readonly incident: string | null; readonly sinceMs: number } | null = null;
  #repairing = false;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  look(): void {
    const { stage } = this.#options;
    const { nowMs } = stage.cluster.world.time;
    for (const host of [...stage.cluster.nodes, ...stage.cluster.managers]) {
      this.#buttons(host.name, nowMs);
    }
    this.#leases();
    if (this.#repairing) this.#letGo();
    for (const [name, vm] of this.#options.recorder.records()) {
      if (vm.desired !== 'running' || vm.deleting) continue;
      if (vm.phase !== 'running') this.#options.client.explain(name, vm.sinceMs);
      if (this.#repairing && vm.phase === 'failed') this.#start(name);
    }
  }

  /** From now on nobody waits long with the buttons. */
  repair(): void {
    this.#repairing = true;
    this.look();
  }

  isConverged(): boolean {
    return this.whatIsMissing().length === 0;
  }

  whatIsMissing(): readonly string[] {
    const { stage, recorder } = this.#options;
    const missing: string[] = [];
    const seated = stage.cluster.store.leader;
    if (seated === null || stage.leader()?.name !== seated) missing.push('nobody leads');
    for (const name of stage.lostDisks) missing.push(`${name} has lost its disk`);
    for (const { value } of stage.cluster.store.machine.list('manager/')) {
      const { id, role } = JSON.parse(value) as { readonly id: string; readonly role: string };
      if (role === 'learner') missing.push(`${id} does not count yet`);
    }
    for (const { value } of stage.cluster.store.machine.list('node/')) {
      const node = JSON.parse(value) as { readonly id: string; readonly phase: string };
      if (node.phase !== 'online') missing.push(`${node.id} is ${node.phase}`);
    }
    missing.push(...this.#unreturned());
    for (const [name, vm] of recorder.records()) missing.push(...this.#missingOf(name, vm));
    return missing;
  }

  #missingOf(name: string, vm: VmNow): readonly string[] {
    const homes = this.#options.stage.cluster.whereIs(name);
    if (vm.desired === 'ignored') return [];
    const wanted = vm.desired === 'running' && !vm.deleting;
    const runs = vm.phase === 'running' && homes.length === 1 && homes[0] === vm.holder;
    // Failures are forgiven to a VM that has run well for a while.
    if (wanted && runs && (vm.failures === 0 || vm.isChecked)) return [];
    if (!wanted && vm.phase === 'stopped' && homes.length === 0 && !vm.deleting) return [];
    const where = homes.length === 0 ? 'nowhere' : `on ${homes.join(', ')}`;
    const { phase, desired, failures } = vm;
    return [`${name} is ${phase}, desired ${desired}, runs ${where}, ${failures} failures`];
  }

  #buttons(name: string, nowMs: number): void {
    const { stage, afterMs } = this.#options;
    const host = stage.host(name);
    if (host === null) return;
    const machine = machineOf(host);
    const isDark = machine.state === 'off' || machine.state === 'panicked';
    const isOn = machine.state === 'on' && host.kind === 'node';
    const isStuck = this.#repairing && isOn && this.#needsReset(name);
    if (!isDark && !isStuck) {
      this.#darkSinceMs.delete(name);
      return;
    }
    const sinceMs = this.#darkSinceMs.get(name) ?? nowMs;
    this.#darkSinceMs.set(name, sinceMs);
    if (nowMs - sinceMs < Math.min(afterMs, this.#repairing ? 8000 : Infinity)) return;
    this.#darkSinceMs.delete(name);
    if (host.kind === 'node') host.node.feeds.restore();
    if (machine.state === 'off') machine.powerOn();
    else machine.reset();
  }

  /**
   * Its device lied, or took a command and did nothing: only a new boot or a person's word proves
   * the node dead, and this person resets it.
   */
  #needsReset(name: string): boolean {
    const { store, world } = this.#options.stage.cluster;
    const record = store.machine.get(`node/${name}`);
    const phase = record === null ? '' : (JSON.parse(record.value) as { phase: string }).phase;
    const mark = `${name} ${record?.modRevision}`;
    if (phase !== 'fencing' && phase !== 'fenced') return false;
    const sinceMs = this.#stuckSinceMs.get(mark) ?? world.time.nowMs;
    this.#stuckSinceMs.set(mark, sinceMs);
    return world.time.nowMs - sinceMs > stuckMs;
  }

  /** What waits for a person: an incident that is held, nodes in quarantine. */
  #letGo(): void {
    const { client, recorder, stage } = this.#options;
    const { machine } = stage.cluster.store;
    if (this.#isHeldFor(lookMs)) {
      recorder.askToRelease();
      client.person((service, caller) => service.releaseGovernor(caller));
    }
    for (const { node, body } of this.#maintained()) {
      client.person((service, caller) => service.maintenance.change(node, body, caller));
    }
    for (const vm of lockedVms(machine.list('vm/'))) {
      client.person(({ vmVerbs }, caller) => vmVerbs.unlock(vm, caller));
    }
    for (const { value } of machine.list('node/')) {
      const node = JSON.parse(value) as { readonly id: string; readonly phase: string };
      if (node.phase !== 'quarantined') continue;
      client.person((service, caller) => service.unquarantine(node.id, caller));
    }
    for (const { name } of this.#away()) {
      // It was stopped in its tracks by a person, and moves only once a person lets it go on.
      const stands = stage.domains(name).some(({ domain }) => domain.state === 'paused');
      if (stands) client.take({ verb: 'resume', vm: numberOf(name), force: false });
    }
    this.#goDown();
  }

  /** Machines that wait to go down for a VM that can go nowhere. */
  #goDown(): void {
    const { nodes, world } = this.#options.stage.cluster;
    const { nowMs } = world.time;
    for (const { name, power } of nodes) {
      const sinceMs = this.#goingSinceMs.get(name) ?? nowMs;
      if (power.waiting === null) this.#goingSinceMs.delete(name);
      else this.#goingSinceMs.set(name, sinceMs);
      if (nowMs - sinceMs >= goesDownMs) power.insist();
    }
  }

  /** Nodes that are still worked on, and VMs that their maintenance moved away and that are not back. */
  #unreturned(): readonly string[] {
    const vms = this.#away().map(({ name, from }) => `${name} is to return to ${from}`);
    return [...this.#maintained().map(({ node }) => `${node} is still being worked on`), ...vms];
  }

  #away(): readonly { readonly name: string; readonly from: string }[] {
    const { machine } = this.#options.stage.cluster.store;
    return machine.list('vm/').flatMap(({ value }) => {
      const { spec, desired, away } = JSON.parse(value) as {
        readonly spec: { readonly name: string };
        readonly desired: string;
        readonly away?: { readonly from: string };
      };
      // What is left to people stays where they have it.
      if (away === undefined || desired === 'ignored') return [];
      return [{ name: spec.name, from: away.from }];
    });
  }

  #maintained(): ReturnType<typeof unfinishedMaintenance> {
    const records = this.#options.stage.cluster.store.machine.list('node/');
    return unfinishedMaintenance(
      records.map(
        ({ value }) => JSON.parse(value) as Parameters<typeof unfinishedMaintenance>[0][0],
      ),
    );
  }

  /** Whether one incident is held for so long: nodes that come back by themselves end it first. */
  #isHeldFor(forMs: number): boolean {
    const { store, world } = this.#options.stage.cluster;
    const record = store.machine.get('governor');
    const governor =
      record === null ? null : (JSON.parse(record.value) as { hold: { incident: string } | null });
    const incident = governor?.hold?.incident ?? null;
    const { nowMs } = world.time;
    if (this.#held?.incident !== incident) this.#held = { incident, sinceMs: nowMs };
    return incident !== null && nowMs - this.#held.sinceMs >= forMs;
  }

  #start(name: string): void {
    this.#options.client.take({ verb: 'start', vm: numberOf(name), force: false });
  }

  #leases(): void {
    const { stage, recorder } = this.#options;
    for (const { name, agent, machine, process } of stage.cluster.nodes) {
      if (agent === null || process === null || process.paused) continue;
      const { incarnation, leaseLeftMs } = agent.status();
      if (leaseLeftMs === null) continue;
      const boottimeMs = machine.clock.boottimeMs();
      recorder.note({
        kind: 'leaseSeen',
        node: name,
        incarnation,
        leftMs: leaseLeftMs,
        boottimeMs,
      });
    }
  }
}

function numberOf(vm: string): number {
  return Number(vm.slice('vm-'.length));
}
