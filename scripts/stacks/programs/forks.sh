# Subshells, pipes, substitutions and short programs, so many times over: forks.sh ROUNDS
count=0
add() {
  count=$((count + $1))
}
work() {
  local i word words=() text=
  for ((i = 0; i < $1; i++)); do
    words+=("key$((i * 7919 % 1000))")
    text+=${words[i]%7}
  done
  for word in "${words[@]}"; do
    [[ $word =~ ^k(e+)y.*7$ ]] && add ${#BASH_REMATCH[0]}
  done
  add ${#text}
}
for ((round = 0; round < $1; round++)); do
  # long enough for a process to be sampled, which it is not in its first ms
  (work 1000)
  work 1000
  for i in 1 2 3 4 5 6 7 8; do
    (add "$i"; : "$count")
    text=$(echo "key $i $count")
    add "$(printf '%s' "$text" | wc -c)"
    /bin/true
    case $text in *7*) add 1 ;; key*) add 2 ;; esac
  done
  list=(a b c "${list[@]:0:20}")
  for each in "${list[@]}"; do
    name=${each//a/b}
    [[ $name =~ ^b(.*)$ ]] && add ${#BASH_REMATCH[1]}
  done
done
