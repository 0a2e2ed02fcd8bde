import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';

/** The record goes with the change, so `--wait` has nothing to add. */
export async function removeManager(call: Call, name: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: {
      question: `Manager ${name} leaves the cluster and stops.`,
      typed: null,
    },
    apply: (client, how) => client.removeManager(name, how),
    describe: (view, isDryRun) =>
      `manager ${view.name}: ${isDryRun ? 'would be removed' : 'removed; take its address out of client configurations'}`,
    goal: null,
  });
}
