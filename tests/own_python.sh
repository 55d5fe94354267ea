#!/usr/bin/env bash
# A Python of its own for a suite: `own_python.sh NAME` installs requirements/NAME.txt by hash into
# .NAME/python beside the sources, where that is not what lies there.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
home="$root/.$1"
wanted="$root/requirements/$1.txt"
mkdir -p "$home"
if ! cmp --silent "$wanted" "$home/stamp"; then
  rm -rf "$home/python"
  "$root/.venv/bin/python" -m venv --without-pip "$home/python"
  "$root/.venv/bin/uv" pip sync --quiet --python "$home/python/bin/python" --require-hashes "$wanted"
  cp "$wanted" "$home/stamp"
fi
