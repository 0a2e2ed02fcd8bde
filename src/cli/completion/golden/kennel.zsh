#compdef kennel
# zsh completion of kennel
_kennel() {
  local line
  local -a candidates
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    [[ -n $line ]] && candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe kennel candidates
}
if [[ ${funcstack[1]} == _kennel ]]; then
  _kennel "$@"
else
  compdef _kennel kennel
fi
