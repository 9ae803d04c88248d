#Requires -Version 5.1
$names = Resolve-DnsName -Name $Server -ErrorAction SilentlyContinue
if ($names) {
    $addresses = ($names | Where-Object { $_.IPAddress } | Select-Object -ExpandProperty IPAddress) -join ', '
    Write-Output "Name: $addresses"
} else {
    Write-Output "Name: $Server does not resolve."
}

$result = Test-NetConnection -ComputerName $Server -Port $Port -WarningAction SilentlyContinue
Write-Output "Ping: $($result.PingSucceeded)"
Write-Output "Port ${Port}: $($result.TcpTestSucceeded)"
Write-Output "From: $($result.SourceAddress.IPAddress) over $($result.InterfaceAlias)"
if (-not $result.TcpTestSucceeded) {
    Test-NetConnection -ComputerName $Server -TraceRoute -WarningAction SilentlyContinue |
        Select-Object -ExpandProperty TraceRoute
}
