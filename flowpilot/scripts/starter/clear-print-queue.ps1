#Requires -RunAsAdministrator
$spool = Join-Path $env:SystemRoot 'System32\spool\PRINTERS'
$before = @(Get-ChildItem -LiteralPath $spool -File -ErrorAction SilentlyContinue).Count
Write-Output "Files in the queue: $before"

Stop-Service -Name Spooler -Force
(Get-Service -Name Spooler).WaitForStatus('Stopped', [TimeSpan]::FromSeconds($WaitSeconds))
Get-ChildItem -LiteralPath $spool -File | Remove-Item -Force

Start-Service -Name Spooler
(Get-Service -Name Spooler).WaitForStatus('Running', [TimeSpan]::FromSeconds($WaitSeconds))
$after = @(Get-ChildItem -LiteralPath $spool -File -ErrorAction SilentlyContinue).Count
Write-Output "Spooler runs. Files in the queue: $after"
Get-Printer | Sort-Object -Property JobCount -Descending | Select-Object -First 10 -Property 'Name', 'PrinterStatus', 'JobCount'
