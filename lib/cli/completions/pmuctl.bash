# _pmuctl_split TEXT: sets `words` and `starts` (where in TEXT each begins); the last is the word being completed.
# Sets `quote` to the quote that is still open, and `unquoted` to what of the last word stands before it.
_pmuctl_split() {
  local text=$1 char word= inside=
  local -i i begin=0
  words=() starts=() quote= unquoted=
  for ((i = 0; i < ${#text}; i++)); do
    char=${text:i:1}
    if [[ -z $inside && $char != [[:space:]] ]]; then begin=i inside=1; fi
    case $quote$char in
      \' | \") quote=$char unquoted=$word ;;
      \'\' | \"\") quote= ;;
      \\ | \"\\) i+=1 word+=${text:i:1} ;;
      [[:space:]])
        if [[ $inside ]]; then words+=("$word") starts+=("$begin") word= inside=; fi
        ;;
      *) word+=$char ;;
    esac
  done
  [[ $inside ]] || begin=${#text}
  words+=("$word") starts+=("$begin")
}

# _pmuctl_value COMMAND WORD: for letters in one word (-ge), sets `letters` to those up to the first that takes a value,
# and `values` to what it can be; fails where none does.
_pmuctl_value() {
  local -i i
  for ((i = 1; i < ${#2}; i++)); do
    letters=${2:0:i+1}
    _pmuctl_values "$1" "-${2:i:1}" && return
  done
  return 1
}

# _pmuctl_offer PREFIX WORD...: offers the words that begin like `current`, each with PREFIX. They are compared here, since
# `compgen -W` would expand what is in them.
_pmuctl_offer() {
  local prefix=$1 word
  shift
  for word; do
    [[ $prefix$word != "$current"* ]] || COMPREPLY+=("$prefix$word")
  done
}

# _pmuctl_ask KIND: offers what pmuctl knows of this machine.
_pmuctl_ask() {
  local line
  while IFS=$'\t' read -r line _; do
    _pmuctl_offer '' "$line"
  done < <("${program/#\~\//$HOME/}" complete "$1" "$current" 2>/dev/null)
  # names of tracepoints go on behind the name of their system
  [[ ${COMPREPLY-} != *: ]] || compopt -o nospace
}

# _pmuctl_complete VALUES: offers what a value of an option, or an operand, can be.
_pmuctl_complete() {
  local kind=${1%% *} choices=
  [[ $1 != *' '* ]] || choices=${1#* }
  case $kind in
    words) _pmuctl_offer '' $choices ;;
    list)
      local prefix=
      [[ $current != *,* ]] || prefix=${current%,*},
      _pmuctl_offer "$prefix" $choices
      compopt -o nospace
      ;;
    event | set | pmu) _pmuctl_ask "$kind" ;;
    process) _pmuctl_offer '' $(compgen -G '/proc/[0-9]*' | sed 's|/proc/||') ;;
    file) compopt -o default ;;
    folder) compopt -o dirnames ;;
    command) mapfile -t COMPREPLY < <(compgen -X '_*' -c -- "$current") ;;
  esac
}

# _pmuctl_measured START: completes the command to be run, which starts there in the line: as it would be by itself, where
# bash-completion is loaded, else its name and files.
_pmuctl_measured() {
  local -i i at=0
  local rest blanks
  if declare -F _command_offset >/dev/null; then
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
      rest=${COMP_LINE:at}
      blanks=${rest%%[![:space:]]*}
      at+=${#blanks}
      if ((at >= $1)); then
        quote= current=
        _command_offset "$i"
        return
      fi
      at+=${#COMP_WORDS[i]}
    done
  fi
  compopt -o default
  if (($1 == starts[${#starts[@]} - 1])) && [[ $current != */* ]]; then _pmuctl_complete command; fi
}

# _pmuctl_words COMMAND: completes what stands behind the command's name.
_pmuctl_words() {
  local -i i last=$((${#words[@]} - 1))
  local letters word
  for ((i = 2; i < last; i++)); do
    word=${words[i]}
    case $word in
      --)
        if [[ $operands == command ]]; then _pmuctl_measured "${starts[i + 1]}"; else _pmuctl_complete "$operands"; fi
        return
        ;;
      --*=*) ;;
      --*) if _pmuctl_values "$1" "$word" && [[ -z $glued ]]; then i+=1; fi ;;
      -?*) if _pmuctl_value "$1" "$word" && [[ $letters == "$word" ]]; then i+=1; fi ;;
      *)
        if [[ $operands == command ]]; then
          _pmuctl_measured "${starts[i]}"
          return
        fi
        ;;
    esac
  done
  if ((i > last)); then # the word is the value of the option before it
    _pmuctl_complete "$values"
    return
  fi
  case $current in
    --*=*)
      if _pmuctl_values "$1" "${current%%=*}"; then
        ahead=${current%%=*}= current=${current#*=}
        _pmuctl_complete "$values"
      fi
      ;;
    --* | -) _pmuctl_offer '' $options ;;
    -*)
      if _pmuctl_value "$1" "$current"; then
        ahead=$letters current=${current#"$letters"}
        _pmuctl_complete "$values"
      fi
      ;;
    *) if [[ $operands == command ]]; then _pmuctl_measured "${starts[last]}"; else _pmuctl_complete "$operands"; fi ;;
  esac
}

_pmuctl() {
  local words starts quote unquoted values glued operands options ahead=
  _pmuctl_split "${COMP_LINE:0:COMP_POINT}"
  local program=${words[0]} current=${words[${#words[@]} - 1]}
  local whole=$current head= char
  COMPREPLY=()
  if ((${#words[@]} > 2)); then
    _pmuctl_command "${words[1]}" || return 0
    _pmuctl_words "${words[1]}"
  elif [[ $current == -* ]]; then
    _pmuctl_offer '' --help --version
  else
    _pmuctl_offer '' $_pmuctl_commands help
  fi

  # bash puts a candidate in place of what is behind the open quote, or behind the last character that breaks words
  if [[ $quote ]]; then
    head=$unquoted
  else
    for char in = :; do
      if [[ $COMP_WORDBREAKS == *"$char"* && $whole == *"$char"* ]]; then
        char=${whole%"$char"*}$char
        [[ ${#char} -le ${#head} ]] || head=$char
      fi
    done
  fi
  if [[ $ahead$head && ${#COMPREPLY[@]} -gt 0 ]]; then
    COMPREPLY=("${COMPREPLY[@]/#/$ahead}")
    COMPREPLY=("${COMPREPLY[@]#"$head"}")
  fi
}

complete -F _pmuctl pmuctl
