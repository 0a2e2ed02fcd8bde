import { lanProfile } from '../sim/link.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { SimBmcMode } from '../sim/bmc.ts';
import { feedNames } from '../sim/feeds.ts';
import { byHand } from './by-hand.ts';
import { troubleDisk } from './disk-faults.ts';
import { loseDisk } from './lost-disk.ts';
import { renamed } from './recorded-commands.ts';
import type { Oracles } from './oracles.ts';
import type { Recorder } from './recorder.ts';
import type { Fault } from './scenario.ts';
import { troubleWatchdog } from './watchdog-faults.ts';
import { machineOf, processOf, serviceOf, vmName, Stage } from './stage.ts';

type FaultOf<Kind extends Fault['kind']> = Extract<Fault, { readonly kind: Kind }>;

/** Faults of the network, of processes and of power have handlers of their own. */
type OutsideFault = FaultOf<
  | 'cut'
  | 'cutBoth'
  | 'isolate'
  | 'partition'
  | 'poorLink'
  | 'cutStore'
  | 'flap'
  | 'cutManagers'
  | 'crash'
  | 'pause'
  | 'freeze'
  | 'wallStep'
  | 'powerLoss'
  | 'reset'
  | 'panic'
  | 'managerPower'
  | 'electionFall'
  | 'diskLost'
>;
type InsideFault = Exclude<Fault, OutsideFault>;

/** Commands that may be replayed, newest first, per node. */
const keptCommands = 16;

/**
 * Lets the faults of a scenario strike at their times, and ends them. Cuts are counted, so that the
 * end of one does not heal another.
 */
export class Injector {
  readonly #cluster: SimCluster;
  readonly #stage: Stage;
  readonly #oracles: Oracles;
  readonly #recorder: Recorder;
  readonly #cuts = new Map<string, number>();
  /** Undoes what is still in force, newest last. */
  readonly #undo = new Set<() => void>();

  constructor(stage: Stage, oracles: Oracles) {
    this.#stage = stage;
    this.#cluster = stage.cluster;
    this.#oracles = oracles;
    this.#recorder = oracles.recorder;
  }

  schedule(faults: readonly Fault[]): void {
    const { time } = this.#cluster.world;
    const label = time.label('fault');
    for (const fault of faults) {
      time.schedule(fault.atMs - time.nowMs, () => this.#strike(fault), label);
    }
  }

  /** Ends every fault that is in force. */
  healAll(): void {
    for (const undo of [...this.#undo].reverse()) undo();
    this.#cluster.world.network.healAll();
    this.#cluster.world.network.setEveryProfile(lanProfile);
    for (const { disk } of this.#cluster.managers) disk.clearFaults();
    for (const { machine, disk, hypervisor, watchdog } of this.#cluster.nodes) {
      watchdog?.process?.resume('stopped');
      disk.clearFaults();
      hypervisor.resumeDaemon();
      hypervisor.startDaemon();
      machine.thaw();
    }
  }

  #strike(fault: Fault): void {
    const end = this.#begin(fault);
    if (end === null) return;
    this.#recorder.struck(fault.kind);
    const undo = (): void => {
      if (this.#undo.delete(undo)) end();
    };
    this.#undo.add(undo);
    const { time } = this.#cluster.world;
    time.schedule(fault.lastsMs, undo, time.label('fault ends'));
  }

  /** What ends it; null when it found nothing to strike, or ends by itself. */
  #begin(fault: Fault): (() => void) | null {
    switch (fault.kind) {
      case 'cut':
      case 'cutBoth':
      case 'isolate':
      case 'partition':
      case 'poorLink':
      case 'cutStore':
      case 'flap':
      case 'cutManagers':
        return this.#network(fault);
      case 'crash':
      case 'pause':
      case 'freeze':
      case 'wallStep':
        return this.#process(fault);
      case 'powerLoss':
      case 'reset':
      case 'panic':
        return this.#power(fault);
      case 'managerPower':
        return this.#managerPower(fault);
      case 'electionFall':
        return this.#electionFall(fault);
      case 'diskLost':
        return loseDisk(this.#stage, this.#recorder, fault.manager);
      default:
        return this.#beginInside(fault);
    }
  }

  #beginInside(fault: InsideFault): (() => void) | null {
    switch (fault.kind) {
      case 'bmc':
      case 'wrongBmc':
        return this.#device(fault);
      case 'daemon':
      case 'hypervisor':
      case 'domain':
      case 'domainsOf':
      case 'stateDisk':
      case 'storageCut':
      case 'byHand':
        return this.#host(fault);
      case 'disk':
        return troubleDisk(this.#stage, this.#recorder, fault);
      case 'petter':
      case 'unkillable':
        return troubleWatchdog(this.#stage, this.#oracles, fault);
      case 'ambiguousWrite':
      case 'expireLeader':
        return this.#leader(fault);
      case 'replay':
        return this.#replay(fault);
      case 'fenceByPerson':
        return this.#fence(fault);
      case 'pdu':
        return this.#outlets(fault);
      case 'powerOnByPerson':
        return this.#powerOn(fault);
      case 'ask':
        this.#recorder.onAsked({ verb: fault.verb, vm: fault.vm, force: true });
        return () => undefined;
      default:
        return fault satisfies never;
    }
  }

  #network(
    fault: FaultOf<
      'cut' | 'cutBoth' | 'isolate' | 'partition' | 'poorLink' | 'cutStore' | 'flap' | 'cutManagers'
    >,
  ): (() => void) | null {
    const { network } = this.#cluster.world;
    const name = (target: string): string | null => this.#stage.host(target)?.name ?? null;
    switch (fault.kind) {
      case 'cut':
        return this.#cut([[name(fault.from), name(fault.to)]]);
      case 'cutBoth':
        return this.#cut(bothWays(name(fault.a), [name(fault.b)]));
      case 'isolate':
        return this.#cut(bothWays(name(fault.host), network.hosts()));
      case 'partition': {
        const outside = this.#stage.everybody().filter((each) => !fault.hosts.includes(each));
        return this.#cut(fault.hosts.flatMap((host) => bothWays(host, outside)));
      }
      case 'poorLink': {
        const [from, to] = [name(fault.from), name(fault.to)];
        if (from === null || to === null || from === to) return null;
        const slow = {
          minMs: fault.delayMs / 2,
          usualMs: fault.delayMs,
          slowMs: fault.delayMs * 2,
        };
        const { loss, twice, overtakes } = fault;
        network.setProfile(from, to, { ...slow, slowShare: 0.05, loss, twice, overtakes });
        return () => network.setProfile(from, to, lanProfile);
      }
      case 'flap':
        return this.#flap(bothWays(name(fault.a), [name(fault.b)]), fault);
      case 'cutManagers': {
        const managers = this.#cluster.managers.map((manager) => manager.name);
        return this.#cut(bothWays(name(fault.node), managers));
      }
      case 'cutStore': {
        const manager = this.#stage.manager(fault.manager);
        if (manager?.process == null) return null;
        const peers = this.#cluster.store.peers(manager.name);
        if (peers.length > 0) return this.#cut(bothWays(manager.name, peers));
        this.#cluster.store.cut(manager.name);
        return () => this.#cluster.store.heal(manager.name);
      }
      default:
        return fault satisfies never;
    }
  }

  /** Down first; up and down in turn until it is ended. */
  #flap(
    pairs: readonly (readonly [string | null, string | null])[],
    { upMs, downMs }: { readonly upMs: number; readonly downMs: number },
  ): (() => void) | null {
    let heal = this.#cut(pairs);
    if (heal === null) return null;
    const { time } = this.#cluster.world;
    let isOver = false;
    const turn = (): void => {
      if (isOver) return;
      if (heal === null) heal = this.#cut(pairs);
      else {
        heal();
        heal = null;
      }
      time.schedule(heal === null ? upMs : downMs, turn);
    };
    time.schedule(downMs, turn);
    return () => {
      isOver = true;
      heal?.();
      heal = null;
    };
  }

  #cut(pairs: readonly (readonly [string | null, string | null])[]): (() => void) | null {
    const { network } = this.#cluster.world;
    const known = pairs.flatMap(([from, to]) =>
      from === null || to === null || from === to ? [] : [[from, to] as const],
    );
    if (known.length === 0) return null;
    for (const [from, to] of known) {
      const key = `${from}>${to}`;
      this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
      network.cut(from, to);
    }
    return () => {
      for (const [from, to] of known) {
        const key = `${from}>${to}`;
        const left = (this.#cuts.get(key) ?? 1) - 1;
        this.#cuts.set(key, left);
        if (left === 0) network.heal(from, to);
      }
    };
  }

  #process(fault: FaultOf<'crash' | 'pause' | 'freeze' | 'wallStep'>): (() => void) | null {
    const host = this.#stage.host(fault.host);
    if (host === null) return null;
    const machine = machineOf(host);
    const process = processOf(host);
    switch (fault.kind) {
      case 'crash':
        if (process === null) return null;
        machine.crash(serviceOf(host));
        return () => undefined;
      case 'pause': {
        if (process === null) return null;
        const stop = (): void => process.pause('stopped');
        if (fault.beforeEffect === null) stop();
        else if (fault.beforeEffect === 'afterCommit') {
          this.#recorder.afterCommit(host.name, () => process.beforeEffect(1, stop));
        } else process.beforeEffect(fault.beforeEffect, stop);
        // An armed pause that struck late still ends: it must not outlive its fault.
        return () => {
          this.#recorder.afterCommit(host.name, () => undefined);
          process.beforeEffect(Number.MAX_SAFE_INTEGER, () => undefined);
          process.resume('stopped');
        };
      }
      case 'freeze':
        if (machine.state !== 'on') return null;
        if (fault.clocks !== 'none' && host.kind === 'manager') this.#recorder.fooled(host.name);
        machine.freeze(fault.clocks);
        return () => machine.thaw();
      case 'wallStep':
        machine.clock.stepWall(fault.byMs);
        return () => undefined;
      default:
        return fault satisfies never;
    }
  }

  #power(fault: FaultOf<'powerLoss' | 'reset' | 'panic'>): (() => void) | null {
    const node = this.#stage.node(fault.node);
    if (node === null || node.machine.state === 'off') return null;
    switch (fault.kind) {
      case 'powerLoss': {
        node.machine.powerOff();
        const before = node.bmc.mode;
        if (fault.withBmc) node.bmc.mode = { kind: 'dead' };
        return () => {
          if (fault.withBmc) node.bmc.mode = before.kind === 'dead' ? { kind: 'ok' } : before;
          node.machine.powerOn();
        };
      }
      case 'reset':
        node.machine.reset();
        return () => undefined;
      case 'panic':
        node.machine.panic();
        return () => undefined;
      default:
        return fault satisfies never;
    }
  }

  #managerPower(fault: FaultOf<'managerPower'>): (() => void) | null {
    const manager = this.#stage.manager(fault.manager);
    if (manager === null || manager.machine.state === 'off') return null;
    manager.machine.powerOff();
    return () => manager.machine.powerOn();
  }

  #electionFall({ how }: FaultOf<'electionFall'>): () => void {
    const { managers } = this.#cluster;
    this.#recorder.afterElection(() => {
      for (const { machine } of managers) {
        if (how === 'crash') machine.crash('manager');
        else if (machine.state !== 'off') machine.reset();
      }
    });
    return () => this.#recorder.afterElection(null);
  }

  #device(fault: FaultOf<'bmc' | 'wrongBmc'>): (() => void) | null {
    const node = this.#stage.node(fault.kind === 'bmc' ? fault.node : fault.a);
    if (node === null) return null;
    if (fault.kind === 'bmc') {
      const mode: SimBmcMode = { ...fault.mode };
      node.bmc.mode = mode;
      this.#recorder.bmc(node.name, mode.kind);
      return () => {
        if (node.bmc.mode === mode || mode.kind === 'dieMidOperation')
          node.bmc.mode = { kind: 'ok' };
        this.#recorder.bmc(node.name, 'ok');
      };
    }
    const other = this.#stage.node(fault.b);
    if (other === null || other === node) return null;
    this.#cluster.plugBmc(node, other.bmc);
    this.#recorder.bmc(node.name, 'foreign');
    return () => {
      this.#cluster.plugBmc(node, node.bmc);
      this.#recorder.bmc(node.name, 'ok');
    };
  }

  #outlets({ node: target, which, mode }: FaultOf<'pdu'>): (() => void) | null {
    const node = this.#stage.node(target);
    if (node === null) return null;
    const struck = feedNames.filter((feed) => which === 'both' || feed === which);
    const faults = struck.map((feed) => ({ pdu: node.pdus[feed], mode: { ...mode } }));
    for (const each of faults) each.pdu.mode = each.mode;
    return () => {
      for (const each of faults) if (each.pdu.mode === each.mode) each.pdu.mode = { kind: 'ok' };
    };
  }

  #powerOn({ node: target }: FaultOf<'powerOnByPerson'>): (() => void) | null {
    const node = this.#stage.node(target);
    if (node === null) return null;
    this.#recorder.onPowerOnAsked(node.name);
    return () => undefined;
  }

  #host(
    fault: FaultOf<
      'daemon' | 'hypervisor' | 'domain' | 'domainsOf' | 'stateDisk' | 'storageCut' | 'byHand'
    >,
  ): (() => void) | null {
    if (fault.kind === 'domain') return this.#domain(fault);
    const node = this.#stage.node(fault.node);
    if (node === null) return null;
    switch (fault.kind) {
      case 'daemon':
        if (fault.how === 'hang') node.hypervisor.hangDaemon();
        else node.hypervisor.killDaemon();
        return () => {
          node.hypervisor.resumeDaemon();
          node.hypervisor.startDaemon();
        };
      case 'hypervisor':
        node.hypervisor.inject(fault.call, fault.fault);
        return () => undefined;
      case 'domainsOf':
        for (const vm of node.hypervisor.writers()) node.hypervisor.crash(vm);
        return () => undefined;
      case 'stateDisk': {
        const { code } = fault;
        node.disk.inject({ operation: 'write', code, times: Number.MAX_SAFE_INTEGER });
        return () => node.disk.clearFaults();
      }
      case 'storageCut': {
        const { hypervisor } = node;
        const cut = hypervisor.writers();
        for (const vm of cut) hypervisor.ioError(vm);
        return cut.length === 0
          ? null
          : () => {
              for (const vm of cut) hypervisor.resume(vm);
            };
      }
      case 'byHand':
        return byHand(this.#stage, this.#recorder, fault);
      default:
        return fault satisfies never;
    }
  }

  #domain({ vm, how }: FaultOf<'domain'>): (() => void) | null {
    const found = this.#stage.domains(vmName(vm)).find(({ domain }) => domain.live !== undefined);
    if (found === undefined) return null;
    const { hypervisor } = found.node;
    const id = found.domain.vm;
    switch (how) {
      case 'crash':
        hypervisor.crash(id);
        return () => undefined;
      case 'shutdown':
        hypervisor.guestShutdown(id);
        return () => undefined;
      case 'ioError':
        hypervisor.ioError(id);
        return () => hypervisor.resume(id);
      case 'silence':
        hypervisor.silence(id);
        this.#recorder.note({ kind: 'guestSilent', vm: id });
        return () => undefined;
      case 'hang':
        found.domain.hung = true;
        return () => undefined;
      default:
        return how satisfies never;
    }
  }

  #leader(fault: FaultOf<'ambiguousWrite' | 'expireLeader'>): (() => void) | null {
    const leader = this.#cluster.store.leader;
    if (leader === null) return null;
    if (fault.kind === 'ambiguousWrite') {
      this.#cluster.store.makeNextWriteAmbiguous(leader, fault.effect);
      this.#recorder.ambiguous(leader, fault.effect);
      return () => undefined;
    }
    // What managers replicate gives its lead to nobody because it is told so.
    if (this.#cluster.store.peers(leader).length > 0) return null;
    // Also one that is told hears of it a moment later.
    this.#recorder.fooled(leader);
    this.#cluster.store.expire(leader, { tell: fault.tell });
    return () => undefined;
  }

  #replay({ node: target, back, forged }: FaultOf<'replay'>): (() => void) | null {
    const node = this.#stage.node(target);
    if (node === null) return null;
    const sent = this.#recorder.commandsTo(node.name, keptCommands);
    const old = sent[sent.length - 1 - back];
    if (old === undefined) return null;
    const body = forged ? renamed(old.body) : old.body;
    const managers = [old.from, ...this.#cluster.managers.map((each) => each.name)];
    const passed = managers.some((from) =>
      this.#cluster.world.network.replay(from, node.name, body),
    );
    return passed ? () => undefined : null;
  }

  #fence({ node: target }: FaultOf<'fenceByPerson'>): (() => void) | null {
    const node = this.#stage.node(target);
    if (node === null) return null;
    this.#recorder.askToFence(node.name);
    return () => undefined;
  }
}

function bothWays(
  host: string | null,
  others: readonly (string | null)[],
): readonly (readonly [string | null, string | null])[] {
  return others.flatMap((other) => [[host, other] as const, [other, host] as const]);
}
