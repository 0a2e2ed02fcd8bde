import type { Transaction, WriteOutcome } from '../../src/store/store.ts';
import { StoreDamaged } from '../../src/store/store-damaged.ts';
import type { AmbiguousEffect } from '../../src/store/memory/memory-cluster.ts';
import {
  bootOf,
  listAt,
  numberAt,
  objectAt,
  permitIn,
  textAt,
  type Fact,
  type FactOf,
  type JsonObject,
  type WriteFact,
} from '../checkers/history.ts';
import type { NetworkCounters } from '../sim/channel-world.ts';
import type { LogEntry } from '../sim/log.ts';
import type { RaftTaps } from '../sim/taps.ts';
import { messageTypes } from '../../src/raft/types.ts';
import type { JsonValue } from '../../src/env/network.ts';
import type { Fault } from './scenario.ts';

/**
 * Rare states that a campaign must have been in: what was never reached was never tested. Each name
 * says what happened.
 */
const states = [
  'a leader stood still between commit and send',
  'a leadership was taken over while a fence operation was open',
  'a deposed leader tried to write and was refused',
  'an old command reached a node that had rebooted',
  'an old command reached an agent that had restarted',
  'an agent died with a start under way',
  'a start was refused: incarnation',
  'a start was refused: epoch',
  'a start was refused: token',
  'a start was refused: lease',
  'a start was refused: stateDisk',
  'an unanswered write had happened',
  'an unanswered write never happened',
  'an unanswered write would have come late',
  'proof: powerOff',
  'proof: newBoot',
  'proof: selfFence',
  'a watchdog bit',
  'a petter refused to disarm',
  'a node was held by the others',
  'a proof was revoked',
  'a fence operation was called off',
  'a fence operation acted',
  'a guard blocked a fence operation',
  'a blocked fence operation went on',
  'a leftover was released',
  'an agent was taken over after a restart',
  'a VM went into backoff',
  'a person asked for a fence',
  'a BMC answered for another node',
  'a BMC had no session left',
  'a power command took effect late',
  'two managers led at once',
  'two managers spoke to one BMC at once',
  'a leadership was taken over while a fence operation acted',
  'an API call had no clear answer',
  'a watch had looked away for too long',
  'a message arrived twice',
  'a message overtook another',
  'a torn write was cut from the end of the log',
  'a damaged log was refused',
  'a failed sync ended a manager',
  'a full disk took only what must be written',
  'a write got no answer of a quorum',
  'a damaged state file was set aside',
  'a tail that was never committed gave way',
  'a leading member died between append and sync',
  'a vote was lost with what was not synced',
  'a member took the snapshot of a peer',
  'a member came back from a snapshot of its own',
  'a leading member handed over',
  'a new member was made a voter',
  'a member whose disk was lost was rebuilt from the others',
  'the storm governor held an incident',
  'an incident that was held ended',
  'a node was put in quarantine',
  'a node left quarantine',
  'a node was not proven off by its first level',
  'a migration was handed over',
  'a migration was called off',
  'a VM went back to a snapshot',
] as const;

/** Every kind of fault, so that none is drawn and never finds anything to strike. */
const faults: Readonly<Record<Fault['kind'], true>> = {
  cut: true,
  flap: true,
  cutManagers: true,
  cutBoth: true,
  isolate: true,
  partition: true,
  poorLink: true,
  crash: true,
  pause: true,
  powerLoss: true,
  reset: true,
  panic: true,
  freeze: true,
  bmc: true,
  wrongBmc: true,
  daemon: true,
  hypervisor: true,
  domain: true,
  domainsOf: true,
  stateDisk: true,
  disk: true,
  managerPower: true,
  electionFall: true,
  diskLost: true,
  storageCut: true,
  ambiguousWrite: true,
  expireLeader: true,
  cutStore: true,
  wallStep: true,
  replay: true,
  byHand: true,
  fenceByPerson: true,
  petter: true,
  unkillable: true,
  pdu: true,
  powerOnByPerson: true,
  ask: true,
};

export type Name = (typeof states)[number] | `fault: ${Fault['kind']}`;

export const required: readonly Name[] = [
  ...states,
  ...(Object.keys(faults) as Fault['kind'][]).map((kind): Name => `fault: ${kind}`),
];

/** What a log line of the code under test shows, by its beginning. */
const logged: readonly (readonly [begin: string, name: Name])[] = [
  ['held by the other nodes', 'a node was held by the others'],
  ['cut the end of the log', 'a torn write was cut from the end of the log'],
  ['state file is damaged', 'a damaged state file was set aside'],
  ['the store failed; this process stops', 'a failed sync ended a manager'],
];

/** Begin of what a replicated store says of a write whose end it does not know. */
const noQuorum = 'no answer from a quorum';

/** Texts of the code under test by which states are recognised. */
export const recognisedBy: readonly string[] = [...logged.map(([begin]) => begin), noQuorum];

/** Held longer than this, a message was sent by a process that stood still, ms. */
const heldMs = 200;

type Restored = Parameters<NonNullable<RaftTaps['raftRestored']>>[0];
type Death = Parameters<NonNullable<RaftTaps['raftDied']>>[0];

/** As consensus messages between members begin. */
const handOver = messageTypes.indexOf('MsgTimeoutNow');

/** Counts how often something was so. */
export class Sometimes {
  /** Messages that it is to be told of. */
  readonly messages = ['left hello', 'left commands', 'delivered commands', 'left result'] as const;
  readonly counts = new Map<string, number>();
  readonly #fences = new Map<string, string>();
  readonly #levels = new Map<string, number>();
  readonly #nodes = new Map<
    string,
    { phase: string; incarnation: string | null; boot: string | null }
  >();
  readonly #drawn = new Map<string, AmbiguousEffect>();
  readonly #starts = new Map<string, number>();
  readonly #foreign = new Set<string>();
  readonly #bmcModes = new Map<string, string>();
  /** Managers whose tool speaks to a BMC now. */
  readonly #speakers = new Map<string, Set<string>>();
  readonly #learners = new Set<string>();
  /** Token that the target of a VM's migration would get. */
  readonly #migrations = new Map<string, number>();
  #isHeld = false;
  #epochs = 0;

  hit(name: Name): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  take(fact: Fact, atMs: number): void {
    switch (fact.kind) {
      case 'write':
        this.#written(fact);
        break;
      case 'message':
        this.#message(fact, atMs);
        break;
      case 'startAsked':
        this.#starts.set(`${fact.node}/${fact.permit.vm}`, atMs);
        break;
      case 'vmRuns':
        this.#starts.delete(`${fact.node}/${fact.vm}`);
        break;
      case 'bmc':
        this.#bmcModes.set(fact.node, fact.mode);
        if (fact.mode === 'foreign') this.#foreign.add(`bmc-${fact.node}`);
        else this.#foreign.delete(`bmc-${fact.node}`);
        break;
      case 'tool':
        this.#tool(fact);
        break;
      case 'powerCut':
        if (this.#bmcModes.get(fact.node) === 'delayed') {
          this.hit('a power command took effect late');
        }
        break;
      case 'watchdogBit':
        this.hit('a watchdog bit');
        break;
      case 'answer':
        if (fact.result === 'unknown') this.hit('an API call had no clear answer');
        break;
      case 'acted':
        if (fact.verb === 'revert') this.hit('a VM went back to a snapshot');
        break;
      case 'fenceAsked':
        this.hit('a person asked for a fence');
        break;
      default:
    }
  }

  /** A line that the code under test logged. */
  line({ message, fields }: LogEntry): void {
    const found = logged.find(([begin]) => message.startsWith(begin));
    if (found !== undefined) this.hit(found[1]);
    if (message === 'the manager did not start' && fields['err'] instanceof StoreDamaged) {
      this.hit('a damaged log was refused');
    }
  }

  /** What the network did in the whole run. */
  network({ repeated, overtaken }: NetworkCounters): void {
    if (repeated > 0) this.hit('a message arrived twice');
    if (overtaken > 0) this.hit('a message overtook another');
  }

  /** A message between members of a replicated store; anything else is none. */
  consensus(body: JsonValue): void {
    if (Array.isArray(body) && body[0] === handOver) this.hit('a leading member handed over');
  }

  restored({ from, index }: Restored): void {
    if (from === 'peer') this.hit('a member took the snapshot of a peer');
    else if (index > 1) this.hit('a member came back from a snapshot of its own');
  }

  memberDied({ cause, leads, entries, vote }: Death): void {
    if (cause !== 'powerLoss') return;
    if (leads && entries) this.hit('a leading member died between append and sync');
    if (vote) this.hit('a vote was lost with what was not synced');
  }

  #tool({ stage, manager, bmcHost, action }: FactOf<'tool'>): void {
    const speakers = this.#speakers.get(bmcHost) ?? new Set();
    this.#speakers.set(bmcHost, speakers);
    if (stage === 'ended') {
      speakers.delete(manager);
      return;
    }
    speakers.add(manager);
    if (speakers.size > 1) this.hit('two managers spoke to one BMC at once');
    if (action === 'guid' && this.#foreign.has(bmcHost)) {
      this.hit('a BMC answered for another node');
    }
    if (this.#bmcModes.get(bmcHost.slice('bmc-'.length)) === 'noSession') {
      this.hit('a BMC had no session left');
    }
  }

  ambiguousDrawn(manager: string, effect: AmbiguousEffect): void {
    this.#drawn.set(manager, effect);
  }

  wrote(manager: string, _: Transaction, outcome: WriteOutcome): void {
    if (outcome.kind === 'refused' && outcome.because === 'compare') {
      const [leader] = outcome.current;
      const deposed = leader === null || leader?.key === 'leader';
      const foreign = leader == null || !leader.value.includes(`"${manager}"`);
      if (deposed && foreign) this.hit('a deposed leader tried to write and was refused');
      return;
    }
    if (outcome.kind === 'refused' && outcome.because === 'readOnly') {
      this.hit('a full disk took only what must be written');
    }
    if (outcome.kind !== 'ambiguous') return;
    if (outcome.detail.startsWith(noQuorum)) this.hit('a write got no answer of a quorum');
    const effect = this.#drawn.get(manager);
    if (effect === undefined) return;
    this.#drawn.delete(manager);
    if (effect === 'evaluated') this.hit('an unanswered write had happened');
    else if (effect === 'lost') this.hit('an unanswered write never happened');
    else this.hit('an unanswered write would have come late');
  }

  #written(fact: WriteFact): void {
    const { key, value } = fact;
    if (key === 'leader' && value !== null) {
      const open = [...this.#fences.values()].some(
        (phase) => phase === 'intent' || phase === 'acting',
      );
      if (open && this.#epochs > 0) {
        this.hit('a leadership was taken over while a fence operation was open');
      }
      if (this.#epochs > 0 && [...this.#fences.values()].includes('acting')) {
        this.hit('a leadership was taken over while a fence operation acted');
      }
      this.#epochs += 1;
    }
    if (key === 'governor') this.#governor(value);
    if (value === null) return;
    if (key.startsWith('manager/') && value['role'] === 'learner') this.#learners.add(key);
    if (key.startsWith('manager/') && value['role'] === 'voter' && this.#learners.delete(key)) {
      this.hit('a new member was made a voter');
    }
    if (key.startsWith('fence/')) this.#fence(fact);
    if (key.startsWith('node/')) this.#node(fact);
    if (key.startsWith('vm/')) this.#vm(key, value);
  }

  #governor(value: WriteFact['value']): void {
    const isHeld = value !== null && objectAt(value, 'hold') !== null;
    if (isHeld && !this.#isHeld) this.hit('the storm governor held an incident');
    if (!isHeld && this.#isHeld) this.hit('an incident that was held ended');
    this.#isHeld = isHeld;
  }

  #vm(key: string, value: JsonObject): void {
    if (value['phase'] === 'backoff') this.hit('a VM went into backoff');
    const move = objectAt(value, 'move');
    const migration = move === null ? null : objectAt(move, 'migration');
    const target = migration === null ? null : permitIn(objectAt(migration, 'target'));
    const before = this.#migrations.get(key);
    if (target === null) this.#migrations.delete(key);
    else this.#migrations.set(key, target.token);
    if (before === undefined || target !== null) return;
    const isOver = permitIn(objectAt(value, 'permit'))?.token === before;
    this.hit(isOver ? 'a migration was handed over' : 'a migration was called off');
  }

  #fence({ key, value }: WriteFact): void {
    if (value === null) return;
    const before = this.#fences.get(key);
    const phase = textAt(value, 'phase') ?? '';
    this.#fences.set(key, phase);
    const level = numberAt(value, 'level') ?? 1;
    if (level > (this.#levels.get(key) ?? 1)) {
      this.hit('a node was not proven off by its first level');
    }
    this.#levels.set(key, level);
    if (before === phase) return;
    const revoked = listAt(value, 'revoked').length;
    if (revoked > 0 && (before === 'proven' || before === 'closed'))
      this.hit('a proof was revoked');
    else if (phase === 'acting') this.hit('a fence operation acted');
    if (phase === 'cancelled') this.hit('a fence operation was called off');
    const proof = objectAt(value, 'proof');
    if (phase !== 'proven' || proof === null) return;
    if (proof['kind'] === 'powerOff') this.hit('proof: powerOff');
    if (proof['kind'] === 'newBoot') this.hit('proof: newBoot');
    if (proof['kind'] === 'selfFence') this.hit('proof: selfFence');
  }

  #node({ key, value }: WriteFact): void {
    if (value === null) return;
    const phase = textAt(value, 'phase') ?? '';
    const incarnation = objectAt(value, 'incarnation');
    const id = incarnation === null ? null : textAt(incarnation, 'id');
    const boot = incarnation === null ? null : textAt(incarnation, 'bootId');
    const before = this.#nodes.get(key);
    this.#nodes.set(key, { phase, incarnation: id, boot });
    if (before === undefined) return;
    if (phase === 'quarantined' && before.phase !== 'quarantined') {
      this.hit('a node was put in quarantine');
    }
    if (before.phase === 'quarantined' && phase !== 'quarantined') {
      this.hit('a node left quarantine');
    }
    if (phase === 'blocked' && before.phase !== 'blocked') {
      this.hit('a guard blocked a fence operation');
    }
    if (before.phase === 'blocked' && phase === 'fencing') {
      this.hit('a blocked fence operation went on');
    }
    const restarted = id !== null && before.incarnation !== null && id !== before.incarnation;
    if (restarted && boot === before.boot) this.hit('an agent was taken over after a restart');
  }

  #message(fact: FactOf<'message'>, atMs: number): void {
    const { stage, body, sentAtMs } = fact;
    if (body['kind'] === 'commands') {
      if (stage === 'left' && atMs - sentAtMs > heldMs) {
        this.hit('a leader stood still between commit and send');
      }
      if (stage === 'delivered') this.#commanded(fact);
    }
    if (body['kind'] === 'hello' && stage === 'left') this.#hello(fact);
    if (body['kind'] !== 'result' || stage !== 'left') return;
    const outcome = objectAt(body, 'outcome');
    const operation = textAt(body, 'operation') ?? '';
    if (outcome?.['kind'] === 'done' && operation.startsWith('leftover/')) {
      this.hit('a leftover was released');
    }
    if (outcome?.['kind'] !== 'refused' || !operation.startsWith('start/')) return;
    const because = textAt(outcome, 'because');
    const name = `a start was refused: ${because}`;
    const known = states.find((each) => each === name);
    if (known !== undefined) this.hit(known);
  }

  #commanded({ to, body }: FactOf<'message'>): void {
    const node = this.#alive.get(to);
    for (const command of listAt(body, 'commands')) {
      const permit = permitIn(objectAt(command, 'permit'));
      if (permit === null || node === undefined || permit.incarnation === node) continue;
      const sameBoot = bootOf(permit.incarnation) === bootOf(node);
      if (sameBoot) this.hit('an old command reached an agent that had restarted');
      else this.hit('an old command reached a node that had rebooted');
    }
  }

  readonly #alive = new Map<string, string>();

  #hello({ from, body }: FactOf<'message'>): void {
    const incarnation = objectAt(body, 'incarnation');
    const id = incarnation === null ? null : textAt(incarnation, 'id');
    if (id === null || this.#alive.get(from) === id) return;
    const again = this.#alive.has(from);
    this.#alive.set(from, id);
    if (!again) return;
    for (const key of this.#starts.keys()) {
      if (!key.startsWith(`${from}/`)) continue;
      this.#starts.delete(key);
      this.hit('an agent died with a start under way');
    }
  }
}
