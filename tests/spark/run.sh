#!/usr/bin/env bash
# An ordinary Spark program reads what Unlost exports: the client of Spark, and Sail, a server for it that
# needs no Java. Both are installed by hash into .spark/ beside the sources.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.spark"
mkdir -p "$home"
if ! cmp --silent "$root/requirements/spark.txt" "$home/stamp"; then
  rm -rf "$home/python"
  "$root/.venv/bin/python" -m venv --without-pip "$home/python"
  "$root/.venv/bin/uv" pip sync --quiet --python "$home/python/bin/python" \
    --require-hashes "$root/requirements/spark.txt"
  cp "$root/requirements/spark.txt" "$home/stamp"
fi
cd "$root"
exec .venv/bin/pytest tests/spark -m spark -n 0 -q "$@"
