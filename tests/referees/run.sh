#!/usr/bin/env bash
# Run Salesforce clients that nobody here wrote, unchanged, against the simulator.
# They are installed from their registries, by hash, into .referees/ beside the sources.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.referees"
mkdir -p "$home/jsforce"

command -v node >/dev/null && command -v npm >/dev/null || {
  echo "The referees need Node.js 20 or newer with npm (Debian: apt install nodejs npm)." >&2
  exit 1
}

python_stamp="$home/python.stamp"
if ! cmp --silent "$root/requirements/referees.txt" "$python_stamp"; then
  rm -rf "$home/python"
  "$root/.venv/bin/python" -m venv --without-pip "$home/python"
  "$root/.venv/bin/uv" pip sync --quiet --python "$home/python/bin/python" \
    --require-hashes "$root/requirements/referees.txt"
  cp "$root/requirements/referees.txt" "$python_stamp"
fi

node_stamp="$home/node.stamp"
if ! cmp --silent "$root/tests/referees/jsforce/package-lock.json" "$node_stamp"; then
  cp "$root/tests/referees/jsforce/package.json" "$root/tests/referees/jsforce/package-lock.json" \
    "$home/jsforce/"
  (cd "$home/jsforce" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  cp "$root/tests/referees/jsforce/package-lock.json" "$node_stamp"
fi
cp "$root"/tests/referees/jsforce/*.mjs "$home/jsforce/"

cd "$root"
exec .venv/bin/pytest tests/referees -m referee -n 0 -q "$@"
