#!/usr/bin/env bash
set -euo pipefail

answer=$(openssl s_client -connect "$Server:$Port" -servername "$Server" </dev/null 2>/dev/null)
certificate=$(printf '%s\n' "$answer" | openssl x509)
printf '%s\n' "$certificate" | openssl x509 -noout -subject -issuer -dates -ext subjectAltName

ends=$(printf '%s\n' "$certificate" | openssl x509 -noout -enddate | cut -d= -f2)
left=$(( ($(date -d "$ends" +%s) - $(date +%s)) / 86400 ))
echo "Days left: $left"
printf '%s\n' "$answer" | grep -E 'Verify return code|Protocol *:' || true
