# Offers what pmuctl knows of this machine: lines of a name and, behind a tab, what it is.
_pmuctl_ask() {
  local line
  local -a names lines
  for line in ${(f)"$($_pmuctl_program complete $1 ${(Q)PREFIX} 2>/dev/null)"}; do
    names+=(${line%%$'\t'*})
    lines+=(${line/$'\t'/  -- })
  done
  # names of tracepoints go on behind the name of their system
  [[ $names[1] == *: ]] && set -- -S ''
  compadd ${@[2,-1]} -l -d lines -a names
}

_pmuctl_event() { _pmuctl_ask event }
_pmuctl_set() { _pmuctl_ask set }
_pmuctl_pmu() { _pmuctl_ask pmu }

_pmuctl() {
  local curcontext=$curcontext state state_descr line _pmuctl_program=${~${(Q)words[1]}}
  typeset -A opt_args
  _arguments -C \
    '(- *)'{-h,--help}'[show the commands]' \
    '(- *)'{-V,--version}'[show the version]' \
    '1: :_pmuctl_commands' \
    '*:: :->words' && return
  [[ $state == words ]] && _pmuctl_words $words[1]
}

# Both as a file that fpath leads to, and when it is sourced.
if [[ $funcstack[1] == _pmuctl ]]; then
  _pmuctl "$@"
else
  compdef _pmuctl pmuctl
fi
