#Requires -RunAsAdministrator
$key = 'HKLM:\SOFTWARE\Microsoft\Windows Search'
$folder = (Get-ItemProperty -Path $key -Name DataDirectory -ErrorAction Stop).DataDirectory
$service = Get-Service -Name WSearch -ErrorAction Stop

Stop-Service -InputObject $service -Force
$service.WaitForStatus('Stopped', [TimeSpan]::FromSeconds($WaitSeconds))
Set-ItemProperty -Path $key -Name SetupCompletedSuccessfully -Value 0 -Type DWord

Start-Service -InputObject $service
$service.WaitForStatus('Running', [TimeSpan]::FromSeconds($WaitSeconds))
Write-Output "Windows Search builds its index anew in $folder."
