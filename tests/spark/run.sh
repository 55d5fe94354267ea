#!/usr/bin/env bash
# An ordinary Spark program reads what Unlost exports: the client of Spark, and Sail, a server for it that
# needs no Java. Both are installed by hash into .spark/ beside the sources.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
"$root/tests/own_python.sh" spark
cd "$root"
exec .venv/bin/pytest tests/spark -m spark -n 0 -q "$@"
