@echo off
setlocal
echo Before:
ipconfig | findstr /c:"IPv4" /c:"Gateway"
ipconfig /release "%Adapter%"
ipconfig /flushdns
ipconfig /renew "%Adapter%"
if errorlevel 1 (
  echo No DHCP server answered for this adapter.
  exit /b 1
)
echo After:
ipconfig | findstr /c:"IPv4" /c:"Gateway"
ping -n 2 "%Server%"
endlocal
