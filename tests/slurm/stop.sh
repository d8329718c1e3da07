#!/usr/bin/env bash
# Stops what start.sh started.
place=${1:-/tmp/daxa_wf_slurm}
for daemon in slurmd slurmctld munged; do
  file=$place/run/$daemon.pid
  [ -s "$file" ] || continue
  pid=$(cat "$file")
  kill "$pid" 2>/dev/null && for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
  rm -f "$file"
done
[ "$(readlink /etc/slurm/slurm.conf)" = "$place/slurm.conf" ] && rm -f /etc/slurm/slurm.conf
exit 0
