#!/usr/bin/env bash
set -euo pipefail

df -h --output=target,size,used,avail,pcent -x tmpfs -x devtmpfs
echo
echo "Largest below $Folder:"
du -xh --max-depth=2 -- "$Folder" 2>/dev/null | sort -rh | head -n "$Top"
echo
echo "Deleted files that are still held open:"
if command -v lsof >/dev/null; then
  lsof -nP +L1 2>/dev/null | head -n 10 || true
else
  echo "lsof is not installed."
fi
