import type { GovernorView } from '../../api/schema/guards.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { renderFields } from '../render/columns.ts';

export async function showGovernor(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const view = valueOf(await client.governor());
    await print(call, view, (layout) => renderFields(fieldsOf(view), layout.columns).join('\n'));
    return 0;
  });
}

export async function releaseGovernor(call: Call, options: Change): Promise<number> {
  return runChange(call, options, {
    question: {
      question: 'The nodes of the incident lose power, as far as other guards allow.',
      typed: null,
    },
    apply: (client, how) => client.releaseGovernor(how),
    describe: (view, isDryRun) =>
      isDryRun
        ? `would be released: ${view.hold?.nodes.join(' ') ?? 'nothing'}`
        : `released: ${view.released.join(' ')}`,
    goal: null,
  });
}

function fieldsOf(view: GovernorView): [string, string][] {
  const { hold } = view;
  const names = (nodes: readonly string[]): string =>
    nodes.length === 0 ? 'none' : nodes.join(' ');
  const held: [string, string][] =
    hold === null
      ? [['holds', 'nothing']]
      : [
          ['holds', `${hold.incident}: ${hold.because}`],
          ['since', hold.since],
          ['nodes', names(hold.nodes)],
          ['release with', 'kennel governor release --reason "..."'],
        ];
  return [
    ...held,
    ['released', names(view.released)],
    ['powered off within the window', `${names(view.shot)} (at most ${view.allowedPerWindow})`],
    ['lost at once', `at most ${view.allowedAtOnce}`],
  ];
}
