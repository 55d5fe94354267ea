#!/usr/bin/env bash
# Servers that the service tests start, as packages by hash, into .services/ beside the sources.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.services"
mkdir -p "$home"
for name in stores openbao; do
  if ! cmp --silent "$root/requirements/$name.txt" "$home/$name.stamp"; then
    rm -rf "${home:?}/$name"
    "$root/.venv/bin/uv" pip install --quiet --python "$root/.venv/bin/python" --target "$home/$name" \
      --no-deps --require-hashes -r "$root/requirements/$name.txt"
    cp "$root/requirements/$name.txt" "$home/$name.stamp"
  fi
done

command -v node >/dev/null && command -v npm >/dev/null || {
  echo "The services need Node.js 20 or newer with npm, for Azurite (Debian: apt install nodejs npm)." >&2
  exit 1
}
lock="$root/tests/services/azurite/package-lock.json"
if ! cmp --silent "$lock" "$home/azurite.stamp"; then
  mkdir -p "$home/azurite"
  cp "$root/tests/services/azurite/package.json" "$lock" "$home/azurite/"
  (cd "$home/azurite" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  cp "$lock" "$home/azurite.stamp"
fi
