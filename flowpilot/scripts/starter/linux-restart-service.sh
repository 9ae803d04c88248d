#!/usr/bin/env bash
set -euo pipefail

systemctl restart -- "$ServiceName"
deadline=$((SECONDS + WaitSeconds))
until systemctl is-active --quiet -- "$ServiceName"; do
  if ((SECONDS >= deadline)); then
    echo "$ServiceName is not active after $WaitSeconds seconds."
    journalctl --no-pager -n 30 -u "$ServiceName"
    exit 1
  fi
  sleep 1
done
systemctl --no-pager --lines=5 status -- "$ServiceName"
