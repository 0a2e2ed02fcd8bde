import type { SettingView } from '../../api/schema/guards.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { formatDuration, parseDuration } from '../duration.ts';
import { print } from '../output.ts';
import { renderColumns } from '../render/columns.ts';
import { usageError } from '../usage.ts';

export async function showSettings(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const views = valueOf(await client.settings());
    await print(call, views, (layout) =>
      renderColumns(
        ['SETTING', 'VALUE', 'FROM', 'TO', 'MEANING'],
        views.map((view) => [
          { text: view.key },
          { text: valueText(view, view.value), align: 'right' },
          { text: valueText(view, view.min), align: 'right' },
          { text: valueText(view, view.max), align: 'right' },
          { text: view.summary },
        ]),
        layout.columns,
      ).join('\n'),
    );
    return 0;
  });
}

export async function setSettings(call: Call, given: string, options: Change): Promise<number> {
  const settings = Object.fromEntries(given.split(',').map(settingOf));
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.changeSettings({ settings }, how),
    describe: (views, isDryRun) =>
      views
        .filter((view) => view.key in settings)
        .map((view) => `${view.key} ${isDryRun ? 'would be' : 'is'} ${valueText(view, view.value)}`)
        .join('\n'),
    goal: null,
  });
}

/** Numbers as they are; durations, which alone have a unit, in ms; words as they are. */
function settingOf(pair: string): [string, number | string] {
  const [key = '', text = '', ...rest] = pair.split('=');
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
  const duration = number === null ? parseDuration(text) : null;
  const word = /^[a-z][a-z-]*$/.test(text) ? text : null;
  const value = number ?? (duration?.kind === 'ok' ? duration.ms : word);
  if (key !== '' && rest.length === 0 && value !== null) return [key.trim(), value];
  throw usageError({
    what: `"${pair}" is no setting`,
    because: 'it must have the form KEY=VALUE, the value a number, a duration or a word',
    try: ['kennel settings show', 'kennel settings set governor.window=15m'],
  });
}

function valueText({ unit, words }: SettingView, value: number): string {
  if (words !== null) return words[value] ?? String(value);
  return unit === 'ms' ? formatDuration(value) : String(value);
}
