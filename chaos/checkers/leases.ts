import {
  listAt,
  numberAt,
  objectAt,
  permitIn,
  textAt,
  type Checker,
  type Fact,
  type FactOf,
  type WriteFact,
} from './history.ts';

const facts = [
  'write',
  'left hello',
  'left heartbeat',
  'delivered heartbeat',
  'left welcome',
  'left ack',
  'delivered ack',
  'left commands',
  'delivered commands',
  'left result',
  'startAsked',
  'leaseSeen',
  'leaderFooled',
  'stillLeads',
] as const;

interface Sent {
  readonly atMs: number;
  readonly boottimeMs: number;
  arrivedMs: number | null;
}

interface Intent {
  readonly node: string;
  readonly incarnation: string;
  readonly fromMs: number;
}

/** Heartbeats remembered per node and manager. */
const keptHeartbeats = 64;

/**
 * Leases and leadership. A lease answers a heartbeat that arrived while its granter led and that was
 * sent before any fence intent against that incarnation; an agent counts it from that heartbeat's
 * sending; it starts nothing without one, and nothing for an older leader than it has met. A leader
 * whose own time is over says nothing (DESIGN §5, §2.3).
 */
export class LeaseChecker implements Checker {
  readonly name = 'leases';
  readonly facts = facts;
  /** By `node>manager`, then by sequence. */
  readonly #heartbeats = new Map<string, Map<number, Sent>>();
  readonly #incarnations = new Map<string, string>();
  readonly #intents = new Map<string, Intent>();
  /** When each epoch ended, and who held it. */
  readonly #epochEnds = new Map<number, number>();
  readonly #fooled = new Map<string, number>();
  /** Latest end of a lease by the agent's own clock, by incarnation. */
  readonly #leaseEnds = new Map<string, number>();
  readonly #deliveredEnds = new Map<string, number>();
  readonly #ttlMs = new Map<string, number>();
  readonly #epochMet = new Map<string, number>();
  /** By `vm/token`: the newest epoch in whose name the command was given to the agent. */
  readonly #commandEpoch = new Map<string, number>();
  /** Commands given to an agent for an older leader than it had met, by route and operation. */
  readonly #outdated = new Map<string, number>();
  #epoch: number | null = null;

  take(fact: Fact, atMs: number): readonly string[] {
    switch (fact.kind) {
      case 'write':
        this.#written(fact, atMs);
        return [];
      case 'message':
        return this.#message(fact, atMs);
      case 'startAsked':
        return this.#started(fact);
      case 'leaseSeen':
        return this.#seen(fact);
      case 'leaderFooled':
        this.#fooled.set(fact.manager, atMs);
        return [];
      case 'stillLeads':
        if (this.#fooled.has(fact.manager)) return [];
        return [
          `${fact.manager} still takes itself for the leader when epoch ${fact.epoch} begins`,
        ];
      default:
        return [];
    }
  }

  #written({ key, value, revision }: WriteFact, atMs: number): void {
    if (key === 'leader') {
      if (this.#epoch !== null) this.#epochEnds.set(this.#epoch, atMs);
      this.#epoch = value === null ? null : revision;
      return;
    }
    if (!key.startsWith('fence/') || value === null) return;
    const dead = objectAt(value, 'incarnation');
    const phase = textAt(value, 'phase');
    if (phase === 'cancelled') this.#intents.delete(key);
    else if (!this.#intents.has(key) && dead !== null) {
      this.#intents.set(key, {
        node: textAt(value, 'node') ?? '',
        incarnation: textAt(dead, 'id') ?? '',
        fromMs: atMs,
      });
    }
  }

  #message(fact: FactOf<'message'>, atMs: number): readonly string[] {
    const { stage, body } = fact;
    switch (body['kind']) {
      case 'hello':
        return this.#hello(fact);
      case 'heartbeat':
        return this.#heartbeat(fact, atMs);
      case 'welcome':
        this.#ttlMs.set(`${fact.to}>${fact.from}`, numberAt(body, 'leaseTtlMs') ?? 0);
        return [];
      case 'ack':
        if (body['lease'] !== true) return [];
        if (stage === 'delivered') this.#leaseDelivered(fact);
        return stage === 'left' ? this.#granted(fact, atMs) : [];
      case 'commands':
        if (stage === 'delivered') this.#commanded(fact);
        return stage === 'left' ? this.#spoken(fact) : [];
      case 'result':
        return stage === 'left' ? this.#answered(fact) : [];
      default:
        return [];
    }
  }

  #hello({ from, stage, body }: FactOf<'message'>): readonly string[] {
    const incarnation = objectAt(body, 'incarnation');
    const id = incarnation === null ? null : textAt(incarnation, 'id');
    if (stage === 'left' && id !== null) this.#incarnations.set(from, id);
    return [];
  }

  #heartbeat({ from, to, stage, body }: FactOf<'message'>, atMs: number): readonly string[] {
    const sequence = numberAt(body, 'sequence');
    if (sequence === null) return [];
    const key = `${from}>${to}`;
    const known = this.#heartbeats.get(key) ?? new Map<number, Sent>();
    this.#heartbeats.set(key, known);
    if (stage === 'left') {
      const boottimeMs = numberAt(body, 'sentAtMs') ?? 0;
      known.set(sequence, { atMs, boottimeMs, arrivedMs: null });
      if (known.size > keptHeartbeats) known.delete(known.keys().next().value ?? -1);
    } else if (stage === 'delivered') {
      const sent = known.get(sequence);
      if (sent !== undefined) sent.arrivedMs ??= atMs;
    }
    return [];
  }

  #granted({ from, to, body }: FactOf<'message'>, atMs: number): readonly string[] {
    const heartbeat = this.#heartbeats.get(`${to}>${from}`)?.get(numberAt(body, 'sequence') ?? -1);
    const incarnation = textAt(body, 'incarnation') ?? '';
    const epoch = numberAt(body, 'epoch') ?? 0;
    if (heartbeat === undefined) return [];
    const ttlMs = this.#ttlMs.get(`${to}>${from}`) ?? 0;
    const endMs = heartbeat.boottimeMs + ttlMs;
    this.#leaseEnds.set(incarnation, Math.max(endMs, this.#leaseEnds.get(incarnation) ?? 0));
    const problems: string[] = [];
    for (const [fence, intent] of this.#intents) {
      if (intent.incarnation !== incarnation || heartbeat.atMs <= intent.fromMs) continue;
      problems.push(`${from} granted ${to} a lease after the intent of ${fence}`);
    }
    const endedMs = this.#epochEnds.get(epoch);
    if (endedMs !== undefined && heartbeat.arrivedMs !== null && heartbeat.arrivedMs > endedMs) {
      problems.push(
        `${from} granted ${to} a lease at ${Math.round(atMs)} ms as leader of epoch ${epoch}, which was over when the heartbeat arrived`,
      );
    }
    return problems;
  }

  /** What a leader says in its own turn, while nothing but its own clock could have warned it. */
  #spoken({ from, to, sentAtMs, body }: FactOf<'message'>): readonly string[] {
    const epoch = numberAt(body, 'epoch') ?? 0;
    const endedMs = this.#epochEnds.get(epoch);
    if (endedMs === undefined || sentAtMs <= endedMs || this.#fooled.has(from)) return [];
    const lateMs = Math.round(sentAtMs - endedMs);
    return [`${from} commands ${to} as leader of epoch ${epoch}, over for ${lateMs} ms`];
  }

  #commanded({ from, to, body }: FactOf<'message'>): void {
    const epoch = numberAt(body, 'epoch') ?? 0;
    const incarnation = textAt(body, 'incarnation') ?? '';
    if (incarnation !== this.#incarnations.get(to)) return;
    const isOld = epoch < (this.#epochMet.get(incarnation) ?? 0);
    for (const command of listAt(body, 'commands')) {
      if (isOld) this.#outdated.set(`${to}>${from} ${textAt(command, 'operation')}`, epoch);
      const permit = permitIn(objectAt(command, 'permit'));
      if (permit === null) continue;
      const key = `${permit.vm}/${permit.token}`;
      this.#commandEpoch.set(key, Math.max(epoch, this.#commandEpoch.get(key) ?? 0));
    }
  }

  /** The first answer to an outdated command is that its epoch is over. */
  #answered({ from, to, body }: FactOf<'message'>): readonly string[] {
    const key = `${from}>${to} ${textAt(body, 'operation')}`;
    const epoch = this.#outdated.get(key);
    if (epoch === undefined) return [];
    this.#outdated.delete(key);
    const outcome = objectAt(body, 'outcome');
    if (outcome === null || textAt(outcome, 'kind') === 'refused') return [];
    return [`${from} obeyed ${to} in the name of epoch ${epoch} although it had met a newer one`];
  }

  #leaseDelivered({ from, to, body }: FactOf<'message'>): void {
    const incarnation = textAt(body, 'incarnation') ?? '';
    if (incarnation !== this.#incarnations.get(to)) return;
    const epoch = numberAt(body, 'epoch') ?? 0;
    this.#epochMet.set(incarnation, Math.max(epoch, this.#epochMet.get(incarnation) ?? 0));
    const heartbeat = this.#heartbeats.get(`${to}>${from}`)?.get(numberAt(body, 'sequence') ?? -1);
    if (heartbeat === undefined) return;
    const endMs = heartbeat.boottimeMs + (this.#ttlMs.get(`${to}>${from}`) ?? 0);
    const known = this.#deliveredEnds.get(incarnation) ?? 0;
    this.#deliveredEnds.set(incarnation, Math.max(endMs, known));
  }

  #started({ node, permit, boottimeMs }: FactOf<'startAsked'>): readonly string[] {
    const problems: string[] = [];
    const endMs = this.#leaseEnds.get(permit.incarnation) ?? null;
    if (endMs === null || boottimeMs >= endMs) {
      const ago = endMs === null ? 'never' : `until ${Math.round(boottimeMs - endMs)} ms ago`;
      problems.push(`${node} boots ${permit.vm} without a lease (it had one ${ago})`);
    }
    const met = this.#epochMet.get(permit.incarnation) ?? 0;
    const commanded = this.#commandEpoch.get(`${permit.vm}/${permit.token}`);
    if (commanded !== undefined && commanded < met) {
      problems.push(`${node} boots ${permit.vm} for epoch ${commanded} although it met ${met}`);
    }
    return problems;
  }

  #seen({ node, incarnation, leftMs, boottimeMs }: FactOf<'leaseSeen'>): readonly string[] {
    const endMs = this.#deliveredEnds.get(incarnation) ?? boottimeMs;
    const tooMuchMs = boottimeMs + leftMs - endMs;
    if (leftMs <= 0 || tooMuchMs <= 1) return [];
    return [`${node} counts its lease ${Math.round(tooMuchMs)} ms longer than it was granted`];
  }
}
