import {
  bootOf,
  objectAt,
  textAt,
  type Fact,
  type FactOf,
  type JsonObject,
} from '../checkers/history.ts';
import type {
  ProvenNode,
  RunOutcome,
  ServiceMove,
  ServiceStart,
  Violation,
} from '../scenarios/outcome.ts';
import type { PlaceNames } from './place-names.ts';

interface Run {
  readonly node: string;
  readonly boot: string | null;
  end: 'running' | 'ended' | 'died with its node';
}

/**
 * What a scenario comes to, out of the facts that the observer tells: the counterpart of the
 * monitor that looks on in the simulator.
 */
export class ScenarioMonitor {
  readonly #names: PlaceNames;
  readonly #nowS: () => number;
  readonly #violations: Violation[] = [];
  readonly #proofs: ProvenNode[] = [];
  readonly #fenced: ProvenNode[] = [];
  readonly #powerCut: { node: string; t: number }[] = [];
  readonly #starts: ServiceStart[] = [];
  readonly #moves: ServiceMove[] = [];
  readonly #runs = new Map<string, Run>();
  readonly #phases = new Map<string, string>();
  readonly #provenBoots = new Set<string>();
  /** Id of the newest operation against each node. */
  readonly #newest = new Map<string, string>();

  constructor(names: PlaceNames, nowS: () => number) {
    this.#names = names;
    this.#nowS = nowS;
  }

  /** A VM that runs as the scenario begins. */
  runsAlready(vm: string, node: string, boot: string | null): void {
    this.#runs.set(vm, { node, boot, end: 'running' });
  }

  take(fact: Fact): void {
    switch (fact.kind) {
      case 'vmRuns':
        if (fact.running) this.#begins(fact);
        else this.#ends(fact);
        break;
      case 'write':
        if (fact.key.startsWith('fence/') && fact.value !== null) this.#fence(fact, fact.value);
        break;
      case 'powerCut':
        this.#powerCut.push({ node: this.#names.nodeOf(fact.node), t: this.#nowS() });
        break;
      default:
    }
  }

  /** Committed phase of the newest fence operation against a node of the lab. */
  fencePhase(labNode: string): string | null {
    return this.#phases.get(this.#newest.get(labNode) ?? '') ?? null;
  }

  report(invariant: string, text: string): void {
    this.#violations.push({ invariant, t: this.#nowS(), text });
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

  #begins({ vm, node, permit }: FactOf<'vmRuns'>): void {
    const service = this.#names.serviceOf(vm);
    if (service === null) return;
    const before = this.#runs.get(vm);
    const [there, t] = [this.#names.nodeOf(node), this.#nowS()];
    if (permit === null)
      this.report('no_start_without_quorum', `${service} began without a permit`);
    if (before?.end === 'died with its node' && !this.#provenBoots.has(before.boot ?? '')) {
      const was = this.#names.nodeOf(before.node);
      this.report(
        'no_recovery_before_fence_confirmed',
        `${service} began on ${there}; it had died with ${was}, which was not proven dead`,
      );
    }
    this.#starts.push({ t, service, node: there });
    if (before !== undefined && before.node !== node) {
      this.#moves.push({ t, service, from: this.#names.nodeOf(before.node), to: there });
    }
    const boot = permit === null ? null : bootOf(permit.incarnation);
    this.#runs.set(vm, { node, boot, end: 'running' });
  }

  #ends({ vm, node, ground }: FactOf<'vmRuns'>): void {
    const run = this.#runs.get(vm);
    if (run === undefined || run.node !== node) return;
    run.end = ground.boots.get(node) === run.boot ? 'ended' : 'died with its node';
  }

  #fence({ key, ground }: FactOf<'write'>, value: JsonObject): void {
    const node = textAt(value, 'node') ?? '';
    const phase = textAt(value, 'phase') ?? '';
    const boot = textAt(objectAt(value, 'incarnation') ?? {}, 'bootId') ?? '';
    const before = this.#phases.get(key);
    this.#phases.set(key, phase);
    if (before === undefined) this.#newest.set(node, key);
    const proof = objectAt(value, 'proof');
    if (proof === null || this.#provenBoots.has(boot)) return;
    this.#provenBoots.add(boot);
    const there = this.#names.nodeOf(node);
    const proven = { node: there, t: this.#nowS(), proof: textAt(proof, 'kind') ?? 'none' };
    this.#proofs.push(proven);
    // One that came back before any device was told anything was not fenced.
    const { attempts } = value;
    const acted = Array.isArray(attempts) && attempts.length > 0;
    if (acted || proven.proof !== 'newBoot') this.#fenced.push(proven);
    if (ground.boots.get(node) === boot) {
      this.report('fenced_node_dead_before_confirm', `${there} still runs the boot proven dead`);
    }
  }
}
