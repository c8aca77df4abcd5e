# Tab for cast in fish. What is offered is asked of cast itself, so this file does not age. Made by 'cast completions fish'.

function __cast_complete
    command -q cast; or return
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    # On standard input, not as arguments: one of the words may be a secret.
    set -l answer (printf '%s\0' $before[2..-1] "$current" | command cast __complete fish 2>/dev/null)
    switch "$answer[1]"
        case words
            printf '%s\n' $answer[2..-1]
        case files
            # In '--option=file', too: what is offered is the whole word.
            set -l option (string match -r -- '^--[^=]*=' "$current")
            for file in (__fish_complete_path (string replace -- "$option" '' "$current"))
                printf '%s\n' "$option$file"
            end
        case 'command *'
            set -l first (math (string replace 'command ' '' -- $answer[1]) + 1)
            complete -C (string join -- ' ' (string escape -- $before[$first..-1]) "$current")
    end
end

complete -c cast -f -k -a '(__cast_complete)'
