#!/usr/bin/env bash
# Put the proxies that the how-to shows before a console. Installs nginx and Caddy from the system's packages.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
export PATH="$PATH:/usr/sbin"

there() { command -v nginx && command -v caddy; }
install_proxies() { apt-get install -y -qq nginx-light caddy; }
if ! there >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { install_proxies || { apt-get update -qq && install_proxies; }; } >/dev/null 2>&1 || true
fi
there >/dev/null || {
  echo "The proxies' tests need nginx and Caddy (Debian: apt install nginx-light caddy)." >&2
  exit 1
}

cd "$root"
exec .venv/bin/pytest tests/proxies -m proxies -n 0 -q "$@"
