#!/usr/bin/env bash
# A real TAP service (GAVO DaCHS over PostgreSQL, from Debian) on loopback, fed with recorded HEASARC tables.
# As root, without systemd. Prints the service's URL; exits with 3 and a reason where it cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?give the folder of recorded tables}
python=${2:-python3}
unavailable() { echo "no real TAP service: $1" >&2; exit 3; }
[ "$(id -u)" = 0 ] || unavailable "installing it needs root"
command -v apt-get >/dev/null || unavailable "this is no Debian"
if ! command -v dachs >/dev/null; then
  apt-get update -qq >/dev/null 2>&1 || unavailable "apt-get update failed"
  # The package's own set-up fails while PostgreSQL is down: installed, started, configured again.
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gavodachs2-server >/dev/null 2>&1 || true
fi
command -v pg_lsclusters >/dev/null || unavailable "PostgreSQL could not be installed"
read -r version cluster _ < <(pg_lsclusters -h | head -1)
pg_lsclusters -h | grep -q online || { pg_ctlcluster "$version" "$cluster" start; sleep 3; }
DEBIAN_FRONTEND=noninteractive dpkg --configure -a >/dev/null 2>&1 || true
command -v dachs >/dev/null || unavailable "gavodachs2-server could not be installed"
mkdir -p /var/gavo/inputs/heasarc/data
"$python" "$here/make_resource.py" "$data" /var/gavo/inputs/heasarc
chmod -R a+rX /var/gavo/inputs/heasarc
su -s /bin/bash dachsroot -c 'dachs imp heasarc/q' >&2 || unavailable "the tables could not be imported"
su -s /bin/bash dachsroot -c 'dachs imp //tap' >&2 || dachs imp //tap >&2
dachs serve debug > /tmp/daxa_wf_dachs.log 2>&1 &
echo $! > /tmp/daxa_wf_dachs.pid
for _ in $(seq 120); do
  grep -q "Site starting" /tmp/daxa_wf_dachs.log && break
  sleep 0.5
done
grep -q "Site starting" /tmp/daxa_wf_dachs.log || unavailable "the service did not start, see /tmp/daxa_wf_dachs.log"
echo "http://localhost:8080/tap"
