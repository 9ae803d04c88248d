#Requires -Version 5.1
$since = (Get-Date).AddHours(-$Hours)
$events = Get-WinEvent -FilterHashtable @{ LogName = $LogName; Level = 1, 2; StartTime = $since } -ErrorAction SilentlyContinue
if (-not $events) {
    Write-Output "No errors in $LogName within $Hours hours."
    return
}

$groups = $events | Group-Object -Property 'ProviderName', 'Id' | Sort-Object -Property Count -Descending
foreach ($group in $groups) {
    $newest = $group.Group | Select-Object -First 1
    $text = ($newest.Message -split "`n")[0]
    Write-Output ('{0,5} x {1} (event {2}), last {3:yyyy-MM-dd HH:mm}: {4}' -f $group.Count, $newest.ProviderName, $newest.Id, $newest.TimeCreated, $text)
}
