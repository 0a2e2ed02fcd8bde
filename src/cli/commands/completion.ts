import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import type { Shell } from '../completion/script.ts';

function shellCommand(shell: Shell, install: string) {
  return command({
    name: shell,
    summary: `print the completion script of ${shell}`,
    description: [`To install it: ${install}`],
    arguments: {},
    options: {},
    examples: [install],
    run: async (call) => {
      const { completionScript } = await import('../completion/script.ts');
      call.world.terminal.write(completionScript(shell));
      return 0;
    },
  });
}

export const completionNoun: Noun = {
  kind: 'noun',
  name: 'completion',
  summary: 'print the completion script of a shell',
  verbs: [
    shellCommand('bash', 'kennel completion bash > /etc/bash_completion.d/kennel'),
    shellCommand('zsh', 'kennel completion zsh > "${fpath[1]}/_kennel"'),
    shellCommand('fish', 'kennel completion fish > ~/.config/fish/completions/kennel.fish'),
  ],
};
