#!/usr/bin/env bash
# Servers that the service tests start, as packages by hash, into .services/ beside the sources.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.services"
mkdir -p "$home"
if ! cmp --silent "$root/requirements/stores.txt" "$home/stores.stamp"; then
  rm -rf "$home/stores"
  "$root/.venv/bin/uv" pip install --quiet --python "$root/.venv/bin/python" --target "$home/stores" \
    --no-deps --require-hashes -r "$root/requirements/stores.txt"
  cp "$root/requirements/stores.txt" "$home/stores.stamp"
fi
