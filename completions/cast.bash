# Tab for cast in bash, 3.2 and later, with or without bash-completion. What is offered is asked of cast itself, so this file does not age.
# Made by 'cast completions bash'.

_cast() {
    local answer
    COMPREPLY=()
    # On standard input, not as arguments: one of the words may be a secret.
    answer=$(printf '%s\0' "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$2" | command cast __complete bash 2>/dev/null) || return 0
    case $answer in
    words*)
        local IFS=$'\n'
        # shellcheck disable=SC2206 # names without blanks and without anything that a shell reads
        COMPREPLY=(${answer#*$'\n'})
        ;;
    files*) _cast_default "$2" ;;
    command*) _cast_command "${answer#command }" "$2" "$3" ;;
    esac
}

# What the shell offers for a command line that begins at word $1.
_cast_command() {
    local word command before specification
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
        return
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
        return
    elif ((COMP_CWORD == $1)); then
        local IFS=$'\n'
        # shellcheck disable=SC2207
        COMPREPLY=($(compgen -c -- "$2" 2>/dev/null | sort -u))
        return
    fi
    command=${COMP_WORDS[$1]}
    specification=$(complete -p -- "$command" 2>/dev/null)
    if [[ $specification =~ \ -F\ ([^ ]+) ]]; then
        for word in "${COMP_WORDS[@]:0:$1}"; do
            before=${#COMP_LINE}
            COMP_LINE=${COMP_LINE#*"$word"}
            COMP_POINT=$((COMP_POINT - before + ${#COMP_LINE}))
        done
        COMP_WORDS=("${COMP_WORDS[@]:$1}")
        COMP_CWORD=$((COMP_CWORD - $1))
        "${BASH_REMATCH[1]}" "$command" "$2" "$3"
    else
        _cast_default "$2"
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
