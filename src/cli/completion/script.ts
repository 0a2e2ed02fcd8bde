import { filesLine } from './candidates.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** The script that a shell loads: it asks `kennel __complete` at every press of the tab key. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash;
    case 'zsh':
      return zsh;
    case 'fish':
      return fish;
    default:
      return shell satisfies never;
  }
}

const bash = `# bash completion of kennel
_kennel() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${filesLine} ]]; then
      compopt -o default
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("$1" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _kennel kennel
`;

const zsh = `#compdef kennel
# zsh completion of kennel
_kennel() {
  local line
  local -a candidates
  for line in "\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ${filesLine} ]]; then
      _files
      return
    fi
    [[ -n $line ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe kennel candidates
}
if [[ \${funcstack[1]} == _kennel ]]; then
  _kennel "$@"
else
  compdef _kennel kennel
fi
`;

const fish = `# fish completion of kennel
function __kennel_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (command $words[1] __complete $words[2..-1] 2>/dev/null)
    if contains -- ${filesLine} $lines
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $lines
    end
end
complete -c kennel -f -a '(__kennel_candidates)'
`;
