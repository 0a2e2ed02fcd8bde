import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import type { Noun } from '../command.ts';

const show = command({
  name: 'show',
  summary: 'all settings of the cluster, with their bounds',
  arguments: {},
  options: {},
  examples: ['kennel settings show', 'kennel settings show -o json'],
  run: async (call) => (await import('../actions/settings.ts')).showSettings(call),
});

const set = command({
  name: 'set',
  summary: 'change settings, all that are named or none',
  arguments: {
    settings: {
      summary: 'KEY=VALUE, several with commas between them',
      completes: { kind: 'nothing' },
    },
  },
  options: changeOptions,
  examples: [
    'kennel settings set governor.at-once.count=3',
    'kennel settings set quarantine.losses=8,quarantine.quiet=1h --reason "lab"',
  ],
  run: async (call) =>
    (await import('../actions/settings.ts')).setSettings(
      call,
      call.arguments.settings,
      call.options,
    ),
});

export const settingsNoun: Noun = {
  kind: 'noun',
  name: 'settings',
  summary: 'what is set for the whole cluster: bounds of fencing, quarantine',
  verbs: [show, set],
};
