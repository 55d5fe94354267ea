#!/usr/bin/env bash
# Keep vaults in buckets of Ceph. Installs its programs from the system's packages; nothing of them is started there.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"

there() { command -v radosgw && command -v ceph-mon && command -v ceph-mgr && command -v ceph-osd; }
install_ceph() { apt-get install -y -qq --no-install-recommends radosgw ceph-mon ceph-mgr ceph-osd; }
if ! there >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { install_ceph || { apt-get update -qq && install_ceph; }; } >/dev/null 2>&1 || true
fi
there >/dev/null || {
  echo "These tests need Ceph (Debian: apt install radosgw ceph-mon ceph-mgr ceph-osd)." >&2
  exit 1
}

cd "$root"
exec .venv/bin/pytest tests/services -m radosgw -n 0 -q --timeout 900 "$@"
