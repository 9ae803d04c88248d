#Requires -Version 5.1
$now = Get-Date
$until = $now.AddDays($Days)
$found = Get-ChildItem -Path "Cert:\$Store\My" |
    Where-Object { $_.NotAfter -le $until } |
    Sort-Object -Property NotAfter

if (-not $found) {
    Write-Output "No certificate in $Store ends within $Days days."
    return
}
$found | Select-Object -Property @{ Name = 'Ends'; Expression = { $_.NotAfter.ToString('yyyy-MM-dd') } },
    @{ Name = 'DaysLeft'; Expression = { [int]($_.NotAfter - $now).TotalDays } },
    'Subject', 'Issuer', 'HasPrivateKey', 'Thumbprint' | Format-List
