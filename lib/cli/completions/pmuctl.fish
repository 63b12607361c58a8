# __pmuctl_start: prints which word of the line the measured command starts at (counted from 1); fails where the words
# before the cursor are all pmuctl's own.
function __pmuctl_start
    set -l words (commandline -opc)
    set -l command $words[2]
    contains -- "$command" $__pmuctl_runners
    or return 1
    set -l valued (string split ' ' -- (__pmuctl_valued $command))
    set -l i 3
    while test $i -le (count $words)
        set -l word $words[$i]
        switch $word
            case --
                math $i + 1
                return
            case '--*=*'
            case '--*'
                contains -- $word $valued
                and set i (math $i + 1)
            case '-?*'
                # letters in one word: a value follows where only the last one takes one
                for letter in (string split '' -- (string sub -s 2 -- $word))
                    if contains -- -$letter $valued
                        string match -q -- "*$letter" $word
                        and set i (math $i + 1)
                        break
                    end
                end
            case '*'
                echo $i
                return
        end
        set i (math $i + 1)
    end
    return 1
end

# __pmuctl_in COMMAND: whether the cursor is among the options of this command.
function __pmuctl_in
    set -l words (commandline -opc)
    test (count $words) -ge 2 -a "$words[2]" = $argv[1]
    and not __pmuctl_start >/dev/null
end

# __pmuctl_measures: whether the next word can start the command to be run, or be a part of it.
function __pmuctl_measures
    set -l words (commandline -opc)
    test (count $words) -ge 2
    and contains -- $words[2] $__pmuctl_runners
    and begin
        __pmuctl_start >/dev/null
        or not string match -q -- '-*' (commandline -ct)
    end
end

# __pmuctl_measured: offers what the shell offers for the command to be run.
function __pmuctl_measured
    set -l words (commandline -opc) (commandline -ct)
    set -l start (__pmuctl_start)
    or set start (count $words)
    complete -C (string join ' ' -- (string escape -- $words[$start..-2]) $words[-1])
end

# __pmuctl_value: prints the value that is being written, without the option that it is glued to.
function __pmuctl_value
    string unescape -- (string replace -r '^(--[a-z-]+=|-[A-Za-z](?=.))' '' -- (commandline -ct))
end

# __pmuctl_list WORD...: offers the words behind those that are there, with commas between them.
function __pmuctl_list
    set -l before (string match -r '^.*,' -- (__pmuctl_value))
    printf '%s\n' "$before"$argv
end

# __pmuctl_ask KIND: offers what pmuctl knows of this machine.
function __pmuctl_ask
    set -l program (string replace -r '^~/' $HOME/ -- (commandline -opc)[1])
    $program complete $argv[1] (__pmuctl_value) 2>/dev/null
end

complete -c pmuctl -f
complete -c pmuctl -n __pmuctl_measures -a '(__pmuctl_measured)'
