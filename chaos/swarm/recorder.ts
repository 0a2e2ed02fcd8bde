import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import { DiskError } from '../../src/env/disk.ts';
import { LogFailed } from '../../src/store/log/log-error.ts';
import type { AmbiguousEffect } from '../../src/store/memory/memory-cluster.ts';
import {
  isObject,
  numberAt,
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type Ground,
  type Json,
  type JsonObject,
  type MessageStage,
  type Violation,
  type WriteFact,
} from '../checkers/history.ts';
import { Readers } from '../checkers/readers.ts';
import { doubleWriters } from '../checkers/single-writer.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { SimTaps, TappedMessage } from '../sim/taps.ts';
import type { RecordedCommands } from './recorded-commands.ts';
import { RecoveryTimes } from './recovery-times.ts';
import type { Fault, WorkloadStep } from './scenario.ts';
import type { Sometimes } from './sometimes.ts';

/** What a VM's record says now, for faults and clients that need to know. */
export interface VmNow {
  readonly vm: VmId;
  readonly desired: string;
  readonly phase: string;
  readonly holder: string | null;
  readonly sinceMs: number;
  readonly deleting: boolean;
  readonly failures: number;
  /** It is asked for its health, so its failures are remembered for longer than a run lasts. */
  readonly isChecked: boolean;
}

function isChecked(record: JsonObject): boolean {
  const spec = objectAt(record, 'spec');
  const guest = spec === null ? null : objectAt(spec, 'guest');
  return guest !== null && objectAt(guest, 'health') !== null;
}

const stateFilePath = '/var/lib/kennel/agent-state';

/** Order in which one revision's keys are told: what justifies a change comes before it. */
const order = ['leader', 'settings', 'fence/', 'failover/', 'node/', 'vm/', 'chain'];

/**
 * Turns a simulation into a history of facts, as they happen, and lets the checkers read it. It
 * reads the store's committed batches, what passes on the wires, and the simulated hardware; it asks
 * no manager and no agent for anything but the length of a lease.
 */
export class Recorder {
  readonly violations: Violation[] = [];
  readonly recovery = new RecoveryTimes();
  readonly #readers: Readers;
  readonly #sometimes: Sometimes;
  readonly #vms = new Map<string, VmNow>();
  readonly #liveSince = new Map<string, number>();
  readonly #commands = new Map<string, RecordedCommands[]>();
  #cluster: SimCluster | null = null;
  #revision = 0;
  #overlaps = 0;
  readonly #afterCommit = new Map<string, () => void>();
  #afterElection: (() => void) | null = null;
  /** Set by whoever carries out what a person asks of the API. */
  onFenceAsked: (node: string) => void = () => undefined;
  onPowerOnAsked: (node: string) => void = () => undefined;
  onAsked: (step: Omit<WorkloadStep, 'atMs'>) => void = () => undefined;

  constructor(checkers: readonly Checker[], sometimes: Sometimes) {
    this.#sometimes = sometimes;
    this.#readers = new Readers(checkers, [...sometimes.messages, ...this.recovery.messages]);
  }

  /** Give these to the cluster that is to be watched, and then the cluster to `watch`. */
  readonly taps: SimTaps = {
    left: (message) => this.#message('left', message),
    arrived: (message) => this.#message('arrived', message),
    delivered: (message) => this.#message('delivered', message),
    startAsked: (node, permit) => this.#startAsked(node, permit),
    vmRuns: (node, vm, permit, running) => this.#vmRuns({ node, vm, permit, running }),
    acted: (node, vm, verb, permit) => {
      this.poll();
      this.#tell({ kind: 'acted', node, vm, verb, token: permit?.token ?? null });
    },
    powerCut: (node) => this.#powerCut(node),
    contained: (node, incarnation, left) =>
      this.#tell({ kind: 'contained', node, incarnation, left }),
    petterTook: (took) => this.#tell({ kind: 'petterTook', ...took }),
    watchdogBit: (node) => this.#tell({ kind: 'watchdogBit', node }),
    toolStarted: (manager, bmcHost, action) =>
      this.#tell({ kind: 'tool', stage: 'started', manager, bmcHost, action, exitCode: null }),
    toolEnded: (manager, bmcHost, action, exitCode) =>
      this.#tell({ kind: 'tool', stage: 'ended', manager, bmcHost, action, exitCode }),
    storeFailed: (manager, error) => {
      // A disk may fail; what the core excludes must never be.
      if (error instanceof LogFailed || error instanceof DiskError) return;
      this.#violated('consensus', `the store of ${manager} broke: ${error.message}`);
    },
    raftElected: (member, term) => {
      this.#tell({ kind: 'raftElected', member, term });
      const act = this.#afterElection;
      this.#afterElection = null;
      act?.();
    },
    raftApplied: (entry) => this.#tell({ kind: 'raftApplied', ...entry }),
    raftRestored: (state) => {
      this.#tell({ kind: 'raftRestored', ...state });
      this.#sometimes.restored(state);
    },
    raftTailReplaced: () => this.#sometimes.hit('a tail that was never committed gave way'),
    raftDied: (death) => this.#sometimes.memberDied(death),
    wrote: (manager, transaction, outcome) => {
      this.#sometimes.wrote(manager, transaction, outcome);
      const act = this.#afterCommit.get(manager);
      if (act === undefined || outcome.kind !== 'committed') return;
      this.#afterCommit.delete(manager);
      act();
    },
  };

  watch(cluster: SimCluster): void {
    this.#cluster = cluster;
    cluster.world.log.onLine = (entry) => this.#sometimes.line(entry);
    for (const node of cluster.nodes) {
      node.machine.onPowerLoss(() =>
        this.#tell({
          kind: 'stateSurvived',
          node: node.name,
          stateFile: stateFile(cluster, node.name),
        }),
      );
    }
    this.poll();
  }

  /** Reads what was committed since the last call. True when a rule was broken. Cheap. */
  poll(): boolean {
    const { store, world } = this.#seen();
    const { machine } = store;
    if (this.violations.length > 0) return true;
    while (this.#revision < machine.revision) {
      this.#revision += 1;
      this.#batch(this.#revision);
    }
    if (world.writes.overlapCount !== this.#overlaps) {
      this.#overlaps = world.writes.overlapCount;
      for (const message of doubleWriters(world.writes.overlaps())) {
        this.#violated('singleWriter', message);
      }
    }
    return this.violations.length > 0;
  }

  /** A fact from outside: the client, the clock, the faults. */
  note(fact: Fact): void {
    this.#tell(fact);
  }

  record(name: string): VmNow | null {
    return this.#vms.get(name) ?? null;
  }

  records(): ReadonlyMap<string, VmNow> {
    return this.#vms;
  }

  commandsTo(node: string, most: number): readonly RecordedCommands[] {
    return (this.#commands.get(node) ?? []).slice(-most);
  }

  rebuilt(): void {
    this.#sometimes.hit('a member whose disk was lost was rebuilt from the others');
  }

  struck(kind: Fault['kind']): void {
    this.#sometimes.hit(`fault: ${kind}`);
  }

  /** Calls `act` when this manager learns of its next commit, before it does anything with it. */
  afterCommit(manager: string, act: () => void): void {
    this.#afterCommit.set(manager, act);
  }

  /** Calls `act` in the very step in which a member of a replicated store is next elected. */
  afterElection(act: (() => void) | null): void {
    this.#afterElection = act;
  }

  fooled(manager: string): void {
    this.#tell({ kind: 'leaderFooled', manager });
  }

  bmc(node: string, mode: string): void {
    this.#tell({ kind: 'bmc', node, mode });
  }

  rotted(node: string): void {
    this.#tell({ kind: 'stateRotted', node });
  }

  ambiguous(manager: string, effect: AmbiguousEffect): void {
    this.#sometimes.ambiguousDrawn(manager, effect);
  }

  askToFence(node: string): void {
    this.#tell({ kind: 'fenceAsked', node });
    this.onFenceAsked(node);
  }

  askToRelease(): void {
    this.#tell({ kind: 'releaseAsked' });
  }

  violated(checker: string, message: string): void {
    this.#violated(checker, message);
  }

  #seen(): SimCluster {
    if (this.#cluster === null) throw new Error('no cluster is watched');
    return this.#cluster;
  }

  #tell(fact: Fact): void {
    const atMs = this.#seen().world.time.nowMs;
    this.#sometimes.take(fact, atMs);
    this.recovery.take(fact, atMs);
    for (const checker of this.#readers.of(fact)) {
      for (const message of checker.take(fact, atMs)) this.#violated(checker.name, message);
    }
  }

  #violated(checker: string, message: string): void {
    this.violations.push({ checker, atMs: this.#seen().world.time.nowMs, message });
  }

  #batch(revision: number): void {
    const { store } = this.#seen();
    const { changes } = store.machine.batchAt(revision);
    const facts = changes.map(({ key, current }) =>
      this.#write(revision, key, current?.value ?? null),
    );
    facts.sort((a, b) => rank(a.key) - rank(b.key));
    for (const fact of facts) {
      if (fact.key.startsWith('vm/')) this.#noteVm(fact);
      this.#tell(fact);
      if (fact.key === 'leader' && fact.value !== null) this.#leadershipBegins(fact);
    }
  }

  /** Managers that keep the store know by its own rounds when they lead no more. */
  #leadershipBegins({ value, revision }: WriteFact): void {
    const { managers, store } = this.#seen();
    const candidate = value === null ? null : textAt(value, 'candidate');
    for (const { name, manager } of managers) {
      const isOther = name !== candidate && store.peers(name).length > 0;
      if (!isOther || manager?.isLeading() !== true) continue;
      this.#tell({ kind: 'stillLeads', manager: name, epoch: revision });
    }
  }

  #write(revision: number, key: string, text: string | null): WriteFact {
    const parsed = text === null || !text.startsWith('{') ? null : (JSON.parse(text) as Json);
    const value = parsed !== null && isObject(parsed) ? parsed : null;
    const proposedAtMs = this.#cluster?.store.proposedAtMs(revision) ?? null;
    const fact = { kind: 'write', revision, key, text, value, ground: this.#ground() } as const;
    return proposedAtMs === null ? fact : { ...fact, proposedAtMs };
  }

  #noteVm({ key, value }: WriteFact): void {
    const vm = key.slice('vm/'.length) as VmId;
    if (value === null) {
      for (const [name, known] of this.#vms) if (known.vm === vm) this.#vms.delete(name);
      return;
    }
    const spec = objectAt(value, 'spec');
    const name = (spec === null ? null : textAt(spec, 'name')) ?? vm;
    const phase = textAt(value, 'phase') ?? '';
    const before = this.#vms.get(name);
    const tries = objectAt(value, 'tries');
    const nowMs = this.#seen().world.time.nowMs;
    this.#vms.set(name, {
      vm,
      phase,
      desired: textAt(value, 'desired') ?? '',
      holder: permitIn(objectAt(value, 'permit'))?.node ?? null,
      sinceMs: before?.phase === phase ? before.sinceMs : nowMs,
      deleting: value['deleting'] === true,
      failures: (tries === null ? null : numberAt(tries, 'failures')) ?? 0,
      isChecked: isChecked(value),
    });
  }

  #message(stage: MessageStage, tapped: TappedMessage): void {
    const { from, to, sentAtMs, message: body } = tapped;
    if (stage === 'delivered') this.#sometimes.consensus(body);
    if (!isObject(body)) return;
    this.poll();
    if (this.#readers.ofMessage(stage, body['kind']) === null) return;
    if (stage === 'left' && body['kind'] === 'commands') {
      const kept = this.#commands.get(to) ?? [];
      this.#commands.set(to, kept);
      kept.push({ from, body: body as unknown as RecordedCommands['body'] });
      if (kept.length > 64) kept.splice(0, 32);
    }
    this.#tell({ kind: 'message', stage, from, to, sentAtMs, body });
  }

  #startAsked(node: string, permit: Permit): void {
    this.poll();
    const cluster = this.#seen();
    const { machine } = cluster.node(node);
    this.#tell({
      kind: 'startAsked',
      node,
      permit,
      boot: machine.bootId,
      boottimeMs: machine.clock.boottimeMs(),
      stateFile: stateFile(cluster, node),
      ground: this.#ground(),
    });
  }

  #vmRuns(fact: Omit<Extract<Fact, { kind: 'vmRuns' }>, 'kind' | 'ground'>): void {
    const key = `${fact.node}/${fact.vm}`;
    if (fact.running) this.#liveSince.set(key, this.#seen().world.time.nowMs);
    else this.#liveSince.delete(key);
    this.poll();
    this.#tell({ kind: 'vmRuns', ...fact, ground: this.#ground() });
  }

  #powerCut(node: string): void {
    this.poll();
    const { machine } = this.#seen().node(node);
    this.#tell({ kind: 'powerCut', node, boot: machine.bootId, state: machine.state });
  }

  #ground(): Ground {
    const { nodes } = this.#seen();
    return {
      boots: new Map(nodes.map(({ name, machine }) => [name, machine.bootId])),
      liveOn: (vm) =>
        nodes.flatMap(({ name, hypervisor }) => {
          const live = hypervisor.find(vm as VmId)?.live;
          const sinceMs = this.#liveSince.get(`${name}/${vm}`) ?? 0;
          return live === undefined
            ? []
            : [{ node: name, token: live.permit?.token ?? null, sinceMs }];
        }),
      liveAt: (node) =>
        [...this.#liveSince]
          .filter(([key]) => key.startsWith(`${node}/`))
          .map(([key, sinceMs]) => ({ vm: key.slice(node.length + 1), sinceMs })),
    };
  }
}

function rank(key: string): number {
  const found = order.findIndex((each) => key.startsWith(each));
  return found < 0 ? order.length : found;
}

/** The agent's state file as anybody can read it: one header line, then JSON. */
function stateFile(cluster: SimCluster, node: string): JsonObject | null {
  const { disk } = cluster.node(node);
  if (!disk.paths().includes(stateFilePath)) return null;
  const text = new TextDecoder().decode(disk.content(stateFilePath));
  try {
    const parsed = JSON.parse(text.slice(text.indexOf('\n') + 1)) as Json;
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
