#Requires -Version 5.1
Clear-DnsClientCache
Write-Output 'The DNS cache is empty.'

$servers = Get-DnsClientServerAddress -AddressFamily IPv4 |
    Select-Object -ExpandProperty ServerAddresses |
    Sort-Object -Unique

foreach ($server in $servers) {
    try {
        $answers = Resolve-DnsName -Name $HostName -Server $server -DnsOnly -ErrorAction Stop
        $addresses = ($answers | Where-Object { $_.IPAddress } | Select-Object -ExpandProperty IPAddress) -join ', '
        Write-Output "${server}: $addresses"
    } catch {
        Write-Output "${server}: no answer ($($_.Exception.Message))"
    }
}
Test-NetConnection -ComputerName $HostName -InformationLevel Quiet -WarningAction SilentlyContinue
