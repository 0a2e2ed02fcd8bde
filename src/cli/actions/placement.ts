import type { PolicyView } from '../../api/schema/placement.ts';
import { checkFailoverCapacity, explainCapacity } from '../../core/placement/failover-capacity.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { readSite, snapshotOfView } from '../plan/site-file.ts';
import { renderFields } from '../render/columns.ts';
import { usageError } from '../usage.ts';

interface SetOptions extends Change {
  readonly failoverCapacity: string | null;
  readonly by: string | null;
  readonly rebalanceOnStart: string | null;
  readonly balance: string | null;
  readonly threshold: string | null;
  readonly enforce: string | null;
  readonly load: string | null;
}

export async function showPolicy(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const view = valueOf(await client.placement());
    const { policy } = view;
    const wanted = policy.failoverCapacity;
    const check = wanted === null ? null : checkFailoverCapacity(snapshotOfView(view), wanted);
    const room = check === null ? null : { holds: check.holds, because: explainCapacity(check) };
    await print(call, { ...policy, room }, ({ columns }) =>
      renderFields(
        [
          ['failover capacity', describeCapacity(policy)],
          ...(room === null ? [] : [['room', room.because] as const]),
          ['rebalance on start', policy.rebalanceOnStart ? 'on' : 'off'],
          ['enforcement', policy.enforcement],
          ['load', policy.load],
          ['balance', `${policy.balance.mode}, above ${policy.balance.threshold}`],
        ],
        columns,
      ).join('\n'),
    );
    return check === null || check.holds ? exitCodes.done : exitCodes.failed;
  });
}

export async function setPolicy(call: Call, options: SetOptions): Promise<number> {
  const { policy } = await readSite(call, null);
  const next: PolicyView = {
    failoverCapacity: capacityOf(options, policy.failoverCapacity),
    rebalanceOnStart:
      options.rebalanceOnStart === null
        ? policy.rebalanceOnStart
        : choice('--rebalance-on-start', options.rebalanceOnStart, ['on', 'off']) === 'on',
    enforcement:
      options.enforce === null
        ? policy.enforcement
        : choice('--enforce', options.enforce, ['off', 'automatic']),
    load:
      options.load === null
        ? policy.load
        : choice('--load', options.load, ['configured', 'measured']),
    selfMoves: policy.selfMoves,
    balance: {
      ...policy.balance,
      ...(options.balance === null
        ? {}
        : { mode: choice('--balance', options.balance, ['off', 'suggest', 'automatic']) }),
      ...(options.threshold === null
        ? {}
        : { threshold: number('--threshold', options.threshold) }),
    },
  };
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.setPlacementPolicy(next, how),
    describe: (view, isDryRun) =>
      `${isDryRun ? 'would be set' : 'set'}: failover capacity ${describeCapacity(view)}, rebalance on start ${view.rebalanceOnStart ? 'on' : 'off'}, enforcement ${view.enforcement}, balance ${view.balance.mode} by ${view.load} load`,
    goal: null,
  });
}

function describeCapacity({ failoverCapacity }: PolicyView): string {
  if (failoverCapacity === null) return 'off';
  const { failures, by } = failoverCapacity;
  return by === null ? `${failures} nodes` : `${failures} of ${by}`;
}

function capacityOf(
  { failoverCapacity, by }: SetOptions,
  before: PolicyView['failoverCapacity'],
): PolicyView['failoverCapacity'] {
  if (failoverCapacity === 'off') return null;
  if (failoverCapacity !== null) {
    return { failures: number('--failover-capacity', failoverCapacity), by };
  }
  if (by === null || before !== null)
    return before === null || by === null ? before : { ...before, by };
  throw usageError({
    what: '--by has nothing to count',
    because: 'no failover capacity is set',
    try: [`kennel placement set --failover-capacity 1 --by ${by}`],
  });
}

function choice<const T extends string>(option: string, given: string, words: readonly T[]): T {
  const found = words.find((word) => word === given);
  if (found !== undefined) return found;
  throw usageError({
    what: `${option} has no usable value`,
    because: `"${given}" is not one of ${words.join(', ')}`,
    try: [],
  });
}

function number(option: string, given: string): number {
  const value = Number(given);
  if (given !== '' && Number.isFinite(value)) return value;
  throw usageError({
    what: `${option} has no usable value`,
    because: `"${given}" is not a number`,
    try: [],
  });
}
