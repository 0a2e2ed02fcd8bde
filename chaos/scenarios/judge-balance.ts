import type { Expected } from './judge.ts';
import type { RunOutcome } from './outcome.ts';

/** What a service adds to the load of its node at the end of the timeline. */
interface Load {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/**
 * Class `peer-scheduler`: where a scheduler of another kind would have put the services says little. Load
 * must end no more uneven than there, or below the threshold that the file asks for; and what moves is
 * moved at most twice as often as there: nothing goes to and fro.
 */
export function judgeBalance(expected: Expected, outcome: RunOutcome): readonly string[] {
  const { expect, portability, cluster } = expected;
  if (portability.class !== 'peer-scheduler' || cluster === undefined) return [];
  const threshold = cluster.policies.placement?.auto_rebalance?.threshold ?? 0;
  const loads = finalLoads(expected);
  const there = new Map(
    Object.entries(expect.final.services).map(([service, { node }]) => [service, node] as const),
  );
  const here = new Map(
    Object.entries(outcome.services).flatMap(([service, { node }]) =>
      node === null ? [] : [[service, node] as const],
    ),
  );
  const nodes = cluster.nodes.map((node) => ({
    name: node.name,
    cpus: node.cpus ?? 1,
    memoryBytes: node.memory_bytes ?? 1,
  }));
  const is = imbalanceOf(nodes, here, loads);
  const most = Math.max(threshold, imbalanceOf(nodes, there, loads));
  const reasons: string[] = [];
  if (is > most + 0.005) {
    reasons.push(`load ends uneven: ${is.toFixed(3)}, at most ${most.toFixed(3)} is allowed`);
  }
  const limit = 2 * Math.max(1, expect.moves.length);
  if (outcome.moves.length > limit) {
    reasons.push(`${outcome.moves.length} moves, at most ${limit} are allowed`);
  }
  return reasons;
}

function finalLoads(expected: Expected): ReadonlyMap<string, Load> {
  const isMeasured = expected.cluster?.policies.placement?.mode === 'measured-usage';
  const loads = new Map<string, Load>();
  const note = (service: string, usage: Readonly<Record<string, unknown>> | undefined): void => {
    const before = loads.get(service) ?? { cpus: 0, memoryBytes: 0 };
    const number = (value: unknown, otherwise: number): number =>
      typeof value === 'number' ? value : otherwise;
    const [cpus, memory] = isMeasured
      ? ['cpu_used', 'memory_used_bytes']
      : ['cpus', 'memory_bytes'];
    loads.set(service, {
      cpus: number(usage?.[cpus ?? ''], before.cpus),
      memoryBytes: number(usage?.[memory ?? ''], before.memoryBytes),
    });
  };
  for (const { id, usage } of expected.services ?? []) note(id, usage);
  for (const action of expected.timeline ?? []) {
    if (action.action === 'service.add') note(action.service, action.usage);
    if (action.action === 'service.set_usage') note(action.service, action);
  }
  return loads;
}

/** Mean of the coefficients of variation of CPUs and memory over the nodes. */
function imbalanceOf(
  nodes: readonly { readonly name: string; readonly cpus: number; readonly memoryBytes: number }[],
  placed: ReadonlyMap<string, string>,
  loads: ReadonlyMap<string, Load>,
): number {
  const shares = nodes.map((node) => {
    let cpus = 0;
    let memoryBytes = 0;
    for (const [service, where] of placed) {
      if (where !== node.name) continue;
      cpus += loads.get(service)?.cpus ?? 0;
      memoryBytes += loads.get(service)?.memoryBytes ?? 0;
    }
    return { cpus: cpus / node.cpus, memory: memoryBytes / node.memoryBytes };
  });
  return (
    (variation(shares.map((one) => one.cpus)) + variation(shares.map((one) => one.memory))) / 2
  );
}

function variation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (mean === 0) return 0;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.sqrt(squares) / mean;
}
