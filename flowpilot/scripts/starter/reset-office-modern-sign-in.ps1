#Requires -Version 5.1
$identity = "HKCU:\Software\Microsoft\Office\$OfficeVersion\Common\Identity"
$blockers = 'EnableADAL', 'DisableADALatopWAMOverride', 'DisableAADWAM'

Get-Process -Name OUTLOOK -ErrorAction SilentlyContinue | ForEach-Object { [void]$_.CloseMainWindow() }
Start-Sleep -Seconds 3

if (Test-Path -Path $identity) {
    foreach ($name in $blockers) {
        if ((Get-Item -Path $identity).Property -contains $name) {
            Remove-ItemProperty -Path $identity -Name $name
            Write-Output "Removed $name"
        }
    }
} else {
    Write-Output 'Office has not been started here yet: there is no Identity key.'
}

if ($ClearCredentials) {
    $stored = cmdkey /list | Select-String -Pattern 'MicrosoftOffice16\S*|MicrosoftAccount\S*'
    foreach ($match in $stored.Matches) {
        $target = $match.Value
        cmdkey "/delete:$target"
    }
}
Write-Output "Done. Open Outlook as $Upn and complete MFA once."
