#!/usr/bin/env bash
# Stops what start.sh started.
[ -f /tmp/daxa_wf_dachs.pid ] && kill "$(cat /tmp/daxa_wf_dachs.pid)" 2>/dev/null
rm -f /tmp/daxa_wf_dachs.pid
pkill -f "dachs serve" 2>/dev/null
command -v pg_lsclusters >/dev/null && pg_lsclusters -h | while read -r version cluster _; do
  pg_ctlcluster "$version" "$cluster" stop 2>/dev/null
done
exit 0
