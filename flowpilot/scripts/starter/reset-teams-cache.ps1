#Requires -Version 5.1
$folders = @("$env:LOCALAPPDATA\Packages\MSTeams_8wekyb3d8bbwe\LocalCache\Microsoft\MSTeams")
if ($IncludeClassic) {
    $folders += "$env:APPDATA\Microsoft\Teams"
}

Get-Process -Name 'ms-teams', 'Teams' -ErrorAction SilentlyContinue | Stop-Process -Force
Start-Sleep -Seconds 3

foreach ($folder in $folders) {
    if (-not (Test-Path -LiteralPath $folder)) {
        Write-Output "Not there: $folder"
        continue
    }
    Get-ChildItem -LiteralPath $folder -Force | Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
    Write-Output "Cleared: $folder"
}

$teams = Get-AppxPackage -Name 'MSTeams' -ErrorAction SilentlyContinue
if ($teams) {
    Start-Process -FilePath 'ms-teams.exe' -ErrorAction SilentlyContinue
    Write-Output 'Teams was started. The first start takes longer than usual.'
} else {
    Write-Output 'Start Teams again by hand.'
}
