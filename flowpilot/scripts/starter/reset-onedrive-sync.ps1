#Requires -Version 5.1
$candidates = @(
    "$env:LOCALAPPDATA\Microsoft\OneDrive\OneDrive.exe"
    "$env:ProgramFiles\Microsoft OneDrive\OneDrive.exe"
    "${env:ProgramFiles(x86)}\Microsoft OneDrive\OneDrive.exe"
)
$oneDrive = $candidates | Where-Object { Test-Path -LiteralPath $_ } | Select-Object -First 1
if (-not $oneDrive) {
    Write-Warning 'OneDrive is not installed for this user.'
    return
}

Start-Process -FilePath $oneDrive -ArgumentList '/reset'
$until = (Get-Date).AddSeconds($WaitSeconds)
while ((Get-Process -Name OneDrive -ErrorAction SilentlyContinue) -and (Get-Date) -lt $until) {
    Start-Sleep -Seconds 2
}
if (-not (Get-Process -Name OneDrive -ErrorAction SilentlyContinue)) {
    Start-Process -FilePath $oneDrive
}
Write-Output 'OneDrive was reset. Its icon shows the sync within a few minutes.'
