# fish completion of kennel
function __kennel_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (command $words[1] __complete $words[2..-1] 2>/dev/null)
    if contains -- :files $lines
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $lines
    end
end
complete -c kennel -f -a '(__kennel_candidates)'
