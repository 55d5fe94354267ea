#!/usr/bin/env bash
# Drive the console in a real browser. Installs what is missing: Chromium from the system's packages,
# Playwright and axe-core from their registries, by hash, into .browser/ beside the sources.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.browser"
mkdir -p "$home"

find_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
install_browser() { apt-get install -y -qq chromium; }
if ! find_browser >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { install_browser || { apt-get update -qq && install_browser; }; } >/dev/null 2>&1 || true
  fi
fi
find_browser >/dev/null || {
  echo "The browser tests need Chromium (Debian: apt install chromium)." >&2
  exit 1
}
command -v npm >/dev/null || {
  echo "The browser tests need npm for axe-core (Debian: apt install npm)." >&2
  exit 1
}

if ! cmp --silent "$root/requirements/browser.txt" "$home/python.stamp"; then
  rm -rf "$home/python"
  "$root/.venv/bin/uv" pip install --quiet --python "$root/.venv/bin/python" --target "$home/python" \
    --require-hashes -r "$root/requirements/browser.txt"
  cp "$root/requirements/browser.txt" "$home/python.stamp"
fi
if ! cmp --silent "$root/tests/browser/package-lock.json" "$home/node.stamp"; then
  cp "$root/tests/browser/package.json" "$root/tests/browser/package-lock.json" "$home/"
  (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  cp "$root/tests/browser/package-lock.json" "$home/node.stamp"
fi

cd "$root"
export PYTHONPATH="$home/python${PYTHONPATH:+:$PYTHONPATH}"
[ -e "${1:-}" ] || set -- tests/browser "$@" # files to run may be named, and options for pytest
UNLOST_BROWSER="$(find_browser)" exec .venv/bin/pytest -m browser -n 0 -q "$@"
