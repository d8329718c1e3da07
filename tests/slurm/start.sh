#!/usr/bin/env bash
# A real SLURM of one node on loopback (from Debian), as root, without systemd.
# Prints where its configuration is; exits with 3 and a reason where it cannot be had.
set -euo pipefail
place=${1:-/tmp/daxa_wf_slurm}
unavailable() { echo "no SLURM: $1" >&2; exit 3; }
[ "$(id -u)" = 0 ] || unavailable "installing it needs root"
command -v apt-get >/dev/null || unavailable "this is no Debian"
if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
  apt-get update -qq >/dev/null 2>&1 || unavailable "apt-get update failed"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    slurmctld slurmd slurm-client munge >/dev/null 2>&1 || unavailable "its packages could not be installed"
fi
# Jobs lose the variables of SLURM, so the configuration must be where SLURM looks for it.
[ ! -e /etc/slurm/slurm.conf ] || [ -L /etc/slurm/slurm.conf ] || unavailable "this machine has one of its own"
host=$(hostname -s)
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >> /etc/hosts
bash "$(dirname "$0")/stop.sh" "$place"
rm -rf "$place"
mkdir -p "$place"/{state,spool,run,munge,log}
chmod 700 "$place/munge"
dd if=/dev/urandom of="$place/munge/key" bs=128 count=1 status=none
chmod 400 "$place/munge/key"
munged --force --key-file="$place/munge/key" --socket="$place/run/munge.sock" --pid-file="$place/run/munged.pid" \
  --log-file="$place/log/munged.log" --seed-file="$place/munge/seed" >&2
memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
cat > "$place/slurm.conf" <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$place/run/munge.sock
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile=$place/run/slurmctld.pid
SlurmdPidFile=$place/run/slurmd.pid
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool
SlurmctldLogFile=$place/log/slurmctld.log
SlurmdLogFile=$place/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
mkdir -p /etc/slurm
ln -sfn "$place/slurm.conf" /etc/slurm/slurm.conf
slurmctld -c >&2
slurmd -N "$host" >&2
for _ in $(seq 60); do
  if [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; then
    echo "$place/slurm.conf"
    exit 0
  fi
  sleep 0.5
done
unavailable "it did not start, see $place/log"
