import type { ArmingView, Disarm } from '../../api/schema/arming.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';

type Disarming = Change & { readonly mode: Disarm['mode']; readonly for: number | null };

export async function disarm(call: Call, options: Disarming): Promise<number> {
  return runChange(call, options, {
    question: {
      question: 'No node is fenced and no VM recovered by itself until the cluster is armed again.',
      typed: null,
    },
    apply: (client, how) => client.disarm({ mode: options.mode, forMs: options.for }, how),
    describe: (view, isDryRun) => `${isDryRun ? 'would be ' : ''}${textOf(view)}`,
    goal: null,
  });
}

export async function arm(call: Call, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.arm(how),
    describe: (_, isDryRun) => (isDryRun ? 'would be armed' : 'armed'),
    goal: null,
  });
}

function textOf({ disarmed }: ArmingView): string {
  if (disarmed === null) return 'armed';
  const end = disarmed.until === null ? 'until kennel arm' : `until ${disarmed.until}`;
  return `disarmed (${disarmed.mode}) ${end}`;
}
