#Requires -RunAsAdministrator
$letter = $env:SystemDrive.TrimEnd(':')
$before = (Get-Volume -DriveLetter $letter).SizeRemaining
$limit = (Get-Date).AddDays(-$Days)

foreach ($folder in "$env:SystemRoot\Temp", $env:TEMP, "$env:SystemRoot\SoftwareDistribution\Download") {
    Get-ChildItem -LiteralPath $folder -Recurse -File -Force -ErrorAction SilentlyContinue |
        Where-Object { $_.LastWriteTime -lt $limit } |
        Remove-Item -Force -ErrorAction SilentlyContinue
}
if ($EmptyRecycleBin) {
    Clear-RecycleBin -DriveLetter $letter -Force -ErrorAction SilentlyContinue
}

$after = (Get-Volume -DriveLetter $letter).SizeRemaining
Write-Output ('Freed {0:N1} GB. {1:N1} GB are free.' -f (($after - $before) / 1GB), ($after / 1GB))
