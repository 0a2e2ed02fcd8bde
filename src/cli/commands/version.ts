import { command } from '../command.ts';

export const versionCommand = command({
  name: 'version',
  summary: 'print the version',
  arguments: {},
  options: {},
  examples: ['kennel version', 'kennel version -o json'],
  run: async (call) => (await import('../actions/version.ts')).showVersion(call),
});
