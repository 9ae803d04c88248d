#Requires -RunAsAdministrator
$service = Get-Service -Name $ServiceName -ErrorAction Stop
Write-Output "$($service.DisplayName) is $($service.Status)."

Restart-Service -InputObject $service -Force
try {
    $service.WaitForStatus('Running', [TimeSpan]::FromSeconds($WaitSeconds))
} catch {
    Write-Warning "It did not start within $WaitSeconds seconds."
}

$service.Refresh()
Write-Output "$($service.DisplayName) is $($service.Status)."
if ($service.Status -ne 'Running') {
    Get-WinEvent -FilterHashtable @{ LogName = 'System'; Level = 1, 2; StartTime = (Get-Date).AddMinutes(-10) } -MaxEvents 10 -ErrorAction SilentlyContinue |
        Select-Object -Property 'TimeCreated', 'ProviderName', 'Message' | Format-List
}
