#Requires -Version 5.1
Get-Volume | Where-Object { $_.DriveLetter } |
    Select-Object -Property 'DriveLetter', 'FileSystemLabel',
        @{ Name = 'FreeGB'; Expression = { [math]::Round($_.SizeRemaining / 1GB, 1) } },
        @{ Name = 'SizeGB'; Expression = { [math]::Round($_.Size / 1GB, 1) } } | Format-Table -AutoSize

$sizes = foreach ($child in Get-ChildItem -LiteralPath $Folder -Directory -Force -ErrorAction SilentlyContinue) {
    $sum = Get-ChildItem -LiteralPath $child.FullName -Recurse -File -Force -ErrorAction SilentlyContinue |
        Measure-Object -Property Length -Sum
    [pscustomobject]@{ Folder = $child.FullName; GB = [math]::Round($sum.Sum / 1GB, 2); Files = $sum.Count }
}
$sizes | Sort-Object -Property GB -Descending | Select-Object -First $Top | Format-Table -AutoSize
