#!/usr/bin/env bash
# Drive the console in a real browser. Installs what is missing: Chromium from the system's packages,
# Playwright, the part of Unlost that speaks SAML, axe-core and a provider of OpenID Connect from their
# registries, by hash, into .browser/ beside the sources. Names tests to run some: run.sh tests/browser/X.py;
# UNLOST_WHOLE=1 runs those that only `make deep` runs too.
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

uv="$root/.venv/bin/uv"
for name in browser saml; do
  if ! cmp --silent "$root/requirements/$name.txt" "$home/$name.stamp"; then
    "$uv" pip install --quiet --python "$root/.venv/bin/python" --target "$home/python" \
      --no-deps --require-hashes -r "$root/requirements/$name.txt"
    cp "$root/requirements/$name.txt" "$home/$name.stamp"
  fi
done
if ! cmp --silent "$root/tests/browser/package-lock.json" "$home/node.stamp"; then
  cp "$root/tests/browser/package.json" "$root/tests/browser/package-lock.json" "$home/"
  (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  cp "$root/tests/browser/package-lock.json" "$home/node.stamp"
fi

cd "$root"
export PYTHONPATH="$home/python${PYTHONPATH:+:$PYTHONPATH}"
export UNLOST_BROWSER
UNLOST_BROWSER="$(find_browser)"
case " $* " in *" tests/"*) ;; *) set -- tests/browser "$@" ;; esac
# Pages are waited for: two at a time take little more than half the time of one after the other.
marks="browser and not deep"
if [ -n "${UNLOST_WHOLE:-}" ]; then marks=browser; fi
exec .venv/bin/pytest -m "$marks" -n "${WORKERS:-2}" --dist loadfile -q "$@"
