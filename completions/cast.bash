# Tab for cast in bash, 3.2 and later, with or without bash-completion. What is offered is asked of cast itself, so this file does not age.
# Made by 'cast completions bash'.

_cast() {
    local answer word begun line=${COMP_LINE:0:COMP_POINT}
    local -a typed=()
    COMPREPLY=()
    # Bash cuts words at '=' and ':', too. Here they are as they were typed: without a blank before it, a piece belongs to the one before.
    line=${line#*"${COMP_WORDS[0]}"}
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}" ''; do
        if [[ $line == [[:space:]]* || ${#typed[@]} == 0 ]]; then
            typed+=('')
            line=${line#"${line%%[![:space:]]*}"}
        fi
        typed[${#typed[@]} - 1]+=${word:-$line}
        line=${line#"$word"}
    done
    # On standard input, not as arguments: one of the words may be a secret.
    answer=$(printf '%s\0' "${typed[@]}" | command cast __complete bash 2>/dev/null) || return 0
    case $answer in
    words*)
        local IFS=$'\n'
        # shellcheck disable=SC2206 # names without blanks and without anything that a shell reads
        COMPREPLY=(${answer#*$'\n'})
        # Of '--option=value', only the last piece is replaced.
        begun=${typed[${#typed[@]} - 1]}
        begun=${begun%"$2"}
        COMPREPLY=("${COMPREPLY[@]#"${begun//[\"\'\\]/}"}")
        ;;
    files*) _cast_default "$2" ;;
    command*) _cast_command "$2" "$3" ;;
    esac
}

# What the shell offers for the command line after '--'.
_cast_command() {
    local word command before specification
    local -i first=1
    while ((first < COMP_CWORD)) && [[ ${COMP_WORDS[first - 1]} != -- ]]; do first+=1; done
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$first"
        return
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$first"
        return
    elif ((COMP_CWORD == first)); then
        local IFS=$'\n'
        # shellcheck disable=SC2207
        COMPREPLY=($(compgen -c -- "$1" 2>/dev/null | sort -u))
        [[ -n ${COMPREPLY[*]} ]] || _cast_default "$1"
        return
    fi
    command=${COMP_WORDS[first]}
    specification=$(complete -p -- "$command" 2>/dev/null)
    if [[ $specification =~ \ -F\ ([^ ]+) ]]; then
        for word in "${COMP_WORDS[@]:0:first}"; do
            before=${#COMP_LINE}
            COMP_LINE=${COMP_LINE#*"$word"}
            COMP_POINT=$((COMP_POINT - before + ${#COMP_LINE}))
        done
        # The blanks before the command.
        before=${#COMP_LINE}
        COMP_LINE=$command${COMP_LINE#*"$command"}
        COMP_POINT=$((COMP_POINT - before + ${#COMP_LINE}))
        COMP_WORDS=("${COMP_WORDS[@]:first}")
        COMP_CWORD=$((COMP_CWORD - first))
        "${BASH_REMATCH[1]}" "$command" "$1" "$2"
    elif [[ -n $specification ]]; then
        # As 'complete -p' prints it: quoted for the shell, the command last.
        specification=${specification#complete }
        local IFS=$'\n'
        # shellcheck disable=SC2207
        COMPREPLY=($(eval "compgen ${specification% *} -- \"\$1\"" 2>/dev/null))
    else
        _cast_default "$1"
    fi
}

_cast_default() {
    if type compopt >/dev/null 2>&1; then
        compopt -o bashdefault -o default 2>/dev/null
    else
        local IFS=$'\n'
        # shellcheck disable=SC2207
        COMPREPLY=($(compgen -f -- "$1"))
    fi
}

complete -F _cast cast
