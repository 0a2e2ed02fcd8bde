import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { requiredText } from '../option.ts';

const show = command({
  name: 'show',
  summary: 'what the storm governor holds and counts',
  description: [
    'Many nodes lost together are one incident: none of them is powered off before a person says so. Nodes that read Off already, or that are back with another boot, are proven all the same.',
  ],
  arguments: {},
  options: {},
  examples: ['kennel governor show'],
  run: async (call) => (await import('../actions/governor.ts')).showGovernor(call),
});

const release = command({
  name: 'release',
  summary: 'let the nodes of the present incident be powered off',
  description: [
    'They lose power as soon as their other guards allow it. Nodes that are lost later are another incident.',
  ],
  arguments: {},
  options: {
    ...changeOptions,
    reason: requiredText('--reason <text>', 'why; it is kept in the record'),
  },
  examples: ['kennel governor release --reason "rack r1 lost its PDU, seen on site"'],
  run: async (call) => (await import('../actions/governor.ts')).releaseGovernor(call, call.options),
});

export const governorNoun: Noun = {
  kind: 'noun',
  name: 'governor',
  summary: 'the storm governor: many nodes lost together wait for a person',
  verbs: [show, release],
};
