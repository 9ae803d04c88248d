#Requires -RunAsAdministrator
$printer = Get-Printer -Name $PrinterName -ErrorAction Stop
$portName = "IP_$NewAddress"
Write-Output "$PrinterName prints to $($printer.PortName)."

if (-not (Test-NetConnection -ComputerName $NewAddress -Port 9100 -InformationLevel Quiet -WarningAction SilentlyContinue)) {
    Write-Warning "$NewAddress does not answer on port 9100. The port is set all the same."
}
if ($ClearQueue) {
    Get-PrintJob -PrinterName $PrinterName | Remove-PrintJob
}
if (-not (Get-PrinterPort -Name $portName -ErrorAction SilentlyContinue)) {
    Add-PrinterPort -Name $portName -PrinterHostAddress $NewAddress
}
Set-Printer -Name $PrinterName -PortName $portName
Get-Printer -Name $PrinterName | Select-Object -Property 'Name', 'PortName', 'PrinterStatus', 'JobCount'
