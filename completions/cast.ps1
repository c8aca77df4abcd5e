# Tab for cast in PowerShell. What is offered is asked of cast itself, so this file does not age. Made by 'cast completions powershell'.

Register-ArgumentCompleter -Native -CommandName cast -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $elements = $commandAst.CommandElements
    $before = @($elements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    # On standard input, not as arguments: one of the words may be a secret.
    $words = (@($before) + @($wordToComplete)) -join "`0"
    $answer = @($words | & (Get-Command cast -CommandType Application | Select-Object -First 1) __complete powershell 2>$null)
    switch -Regex ($answer[0]) {
        '^words$' {
            $answer | Select-Object -Skip 1 | ForEach-Object {
                $word, $help = $_ -split "`t", 2
                if (-not $help) { $help = $word }
                [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $help)
            }
        }
        '^files$' { [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete) }
        '^command (\d+)$' {
            $first = [int]$Matches[1]
            $line = ''
            if ($first -lt $elements.Count) {
                $start = $elements[$first].Extent.StartOffset
                $text = $commandAst.Extent.Text.Substring($start - $commandAst.Extent.StartOffset)
                $line = $text.PadRight([Math]::Max($text.Length, $cursorPosition - $start)).Substring(0, $cursorPosition - $start)
            }
            [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches
        }
    }
}
