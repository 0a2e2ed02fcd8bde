import { judgeBalance } from './judge-balance.ts';
import type { RunOutcome } from './outcome.ts';
import type { PortabilityClass, Scenario } from './schema.ts';

/** What the judge reads of a scenario. */
export type Expected = Pick<Scenario, 'expect' | 'portability' | 'x-kennel'> &
  Partial<Pick<Scenario, 'cluster' | 'services' | 'timeline'>>;

export const knownInvariants: ReadonlySet<string> = new Set([
  'fenced_node_dead_before_confirm',
  'no_recovery_before_fence_confirmed',
  'no_start_without_quorum',
  'single_running_instance',
  'final_placement_obeys_strict_rules',
]);

/** Every deviation from the format's pass rule, one sentence each. Empty = passed. */
export function judge(expected: Expected, outcome: RunOutcome): readonly string[] {
  const reasons = [
    ...judgeInvariants(expected, outcome),
    ...judgeFenced(expected, outcome),
    ...judgeFinal(expected, outcome),
    ...judgeBalance(expected, outcome),
    ...judgeSets(expected, outcome),
    ...judgeBounds(expected, outcome),
    ...judgeMoves(expected, outcome),
    ...judgeProofs(expected, outcome),
  ];
  if (reasons.length === 0) return reasons;
  return [...reasons, ...outcome.refused.map((one) => `note: at ${one.t} s: ${one.text}`)];
}

/** Rule 1: every invariant holds at every instant. */
function judgeInvariants({ expect }: Expected, outcome: RunOutcome): readonly string[] {
  const unknown = expect.invariants.filter((one) => !knownInvariants.has(one));
  const broken = outcome.violations.filter((one) => expect.invariants.includes(one.invariant));
  return [
    ...unknown.map((one) => `invariant ${one} is not known to this checker`),
    ...broken.map((one) => `invariant ${one.invariant} at ${one.t} s: ${one.text}`),
  ];
}

/** Rule 2: the same nodes are fenced, when portable in the same order, and nobody else is touched. */
function judgeFenced({ expect, portability }: Expected, outcome: RunOutcome): readonly string[] {
  const wanted = expect.fenced_nodes_in_order;
  const fenced = outcome.fenced.map((one) => one.node);
  const reasons: string[] = [];
  const list = (nodes: readonly string[]): string => nodes.join(', ') || 'none';
  const ordered = portability.class === 'portable';
  const key = (nodes: readonly string[]): string =>
    ordered ? nodes.join(' ') : [...new Set(nodes)].sort().join(' ');
  if (key(wanted) !== key(fenced)) {
    reasons.push(`fenced nodes: ${list(fenced)} instead of ${list(wanted)}`);
  }
  for (const { node, t } of outcome.powerCut) {
    if (!wanted.includes(node)) reasons.push(`${node} was powered off at ${t} s and should not be`);
  }
  return reasons;
}

/** Rule 3: each service ends where, as and how it should. */
function judgeFinal({ expect, portability }: Expected, outcome: RunOutcome): readonly string[] {
  const reasons: string[] = [];
  for (const [service, wanted] of Object.entries(expect.final.services)) {
    const found = outcome.services[service];
    if (found === undefined) {
      reasons.push(`final ${service}: it is not there`);
      continue;
    }
    const compare = (field: string, is: unknown, should: unknown): void => {
      if (is !== should)
        reasons.push(`final ${service}: ${field} ${String(is)} instead of ${String(should)}`);
    };
    compare('managed', found.managed, wanted.managed);
    compare('instance', found.instance, wanted.instance);
    compare('status', found.status, wanted.status);
    // A VM that is off and owned by nobody is on no node; see docs/scenarios.md.
    if (found.node === null && found.instance === 'stopped') continue;
    if (portability.class === 'peer-scheduler') continue;
    const nodes = acceptableNodes(wanted, portability.class);
    if (found.node === null || !nodes.includes(found.node)) {
      reasons.push(
        `final ${service}: on ${found.node ?? 'no node'} instead of ${nodes.join(' or ')}`,
      );
    }
  }
  return reasons;
}

function acceptableNodes(
  wanted: Scenario['expect']['final']['services'][string],
  portability: PortabilityClass,
): readonly string[] {
  if (portability === 'portable') return [wanted.node];
  return [...new Set([wanted.node, ...(wanted.acceptable_nodes ?? [])])];
}

/** Rule 4: the same services are in error, and the same ones do not run although they should. */
function judgeSets({ expect }: Expected, outcome: RunOutcome): readonly string[] {
  const reasons: string[] = [];
  const compare = (what: string, is: readonly string[], should: readonly string[]): void => {
    const [a, b] = [[...is].sort().join(', '), [...should].sort().join(', ')];
    if (a !== b) reasons.push(`${what}: ${a || 'none'} instead of ${b || 'none'}`);
  };
  compare('in error', outcome.inError, expect.final.in_error);
  const { wanted_but_not_running: wanted } = expect.final;
  compare('wanted but not running', outcome.wantedButNotRunning, wanted);
  return reasons;
}

/** Rule 5: nothing takes longer than it took there. */
function judgeBounds({ expect }: Expected, outcome: RunOutcome): readonly string[] {
  const reasons: string[] = [];
  for (const bound of expect.bounds) {
    const { service, failure_t: failedT, command_t: commandT } = bound;
    const since = failedT ?? commandT;
    if (since === undefined) continue;
    const check = (limit: number | undefined, at: number | undefined, what: string): void => {
      if (limit === undefined) return;
      if (at === undefined) reasons.push(`bound: ${service} never ${what} after ${since} s`);
      else if (at - since > limit) {
        reasons.push(
          `bound: ${service} ${what} ${(at - since).toFixed(1)} s after ${since} s, at most ${limit} s are allowed`,
        );
      }
    };
    const started = outcome.starts.find((one) => one.service === service && one.t >= since);
    const moved = outcome.moves.find((one) => one.service === service && one.t >= since);
    check(bound.max_seconds_to_running, started?.t, 'ran');
    check(bound.max_seconds_to_moved, moved?.t, 'was moved');
  }
  return reasons;
}

/** Rule 6: no move that the other log does not have (portable), and no more starts than there. */
function judgeMoves({ expect, portability }: Expected, outcome: RunOutcome): readonly string[] {
  const reasons: string[] = [];
  if (portability.class === 'portable') {
    let left: readonly ExpectedMove[] = expect.moves;
    for (const { service, from, to, t } of outcome.moves) {
      const found = chainOf(left, service, from, to);
      if (found === null)
        reasons.push(`unexpected move of ${service} from ${from} to ${to} at ${t} s`);
      else left = left.filter((one) => !found.includes(one));
    }
  }
  if (expect.starts === undefined) return reasons;
  const allowed = countBy(expect.starts.map((one) => one.service));
  for (const [service, count] of countBy(outcome.starts.map((one) => one.service))) {
    const limit = allowed.get(service) ?? 0;
    if (count > limit) reasons.push(`${service} was started ${count} times instead of ${limit}`);
  }
  return reasons;
}

type ExpectedMove = Scenario['expect']['moves'][number];

/**
 * The expected move between two nodes, or several in a row: where a service was placed and did not
 * start, nothing of it was ever seen to run. Null = there is none.
 */
function chainOf(
  moves: readonly ExpectedMove[],
  service: string,
  from: string,
  to: string,
): readonly ExpectedMove[] | null {
  const own = moves.filter((one) => one.service === service);
  const exact = own.find((one) => one.from === from && one.to === to);
  if (exact !== undefined) return [exact];
  for (const [index, first] of own.entries()) {
    if (first.from !== from) continue;
    const chain = [first];
    for (const next of own.slice(index + 1)) {
      if (next.from !== chain.at(-1)?.to) break;
      chain.push(next);
      if (next.to === to) return chain;
    }
  }
  return null;
}

/** `x-kennel.expect`: by which proof, and whose power was cut. */
function judgeProofs(expected: Expected, outcome: RunOutcome): readonly string[] {
  const wanted = expected['x-kennel']?.expect;
  const reasons: string[] = [];
  const isOrdered = expected.portability.class === 'portable';
  const text = (items: readonly string[]): string =>
    (isOrdered ? items : [...items].sort()).join(', ') || 'none';
  const compare = (what: string, is: readonly string[], should: readonly string[]): void => {
    if (text(is) !== text(should)) reasons.push(`${what}: ${text(is)} instead of ${text(should)}`);
  };
  if (wanted?.proofs !== undefined) {
    const is = outcome.proofs.map((one) => `${one.node} by ${one.proof}`);
    compare(
      'proofs',
      is,
      wanted.proofs.map((one) => `${one.node} by ${one.kind}`),
    );
  }
  if (wanted?.power_cut !== undefined) {
    compare(
      'power cut',
      outcome.powerCut.map((one) => one.node),
      wanted.power_cut,
    );
  }
  return reasons;
}

function countBy(items: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
