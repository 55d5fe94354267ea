#!/usr/bin/env bash
# Do the vault's tests notice faults? Small ones are put into its sources, drawn by chance, one at a time, and
# the tests that run that line are run, for MOST seconds. COUNT mutants by SEED; what knows how to make them is installed by hash
# into .mutants/ beside the sources. Takes about an hour on two cores.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.mutants"
mkdir -p "$home"
if ! cmp --silent "$root/requirements/mutants.txt" "$home/stamp"; then
  rm -rf "$home/python"
  "$root/.venv/bin/python" -m venv --without-pip "$home/python"
  "$root/.venv/bin/uv" pip sync --quiet --python "$home/python/bin/python" \
    --require-hashes "$root/requirements/mutants.txt"
  cp "$root/requirements/mutants.txt" "$home/stamp"
fi
cd "$root"
room=src/unlost/vault
rm -f "$home"/coverage*
PYTHONPATH="$root/tests${PYTHONPATH:+:$PYTHONPATH}" UNLOST_LASTING="$home/seconds.jsonl" COVERAGE_FILE="$home/coverage" \
  .venv/bin/pytest -p mutants.lasting -n auto --dist worksteal -q --cov "$room" --cov-context=test --cov-report= \
  tests/unit/vault tests/conformance tests/golden tests/stateful/vault tests/faults/vault
"$home/python/bin/python" tests/mutants/draw.py --count "${COUNT:-300}" --seed "${SEED:-1}" "$room" >"$home/mutants.jsonl"
.venv/bin/python tests/mutants/hunt.py "$home/mutants.jsonl" "$home/coverage" "$home/seconds.jsonl" \
  --out "$home/result.jsonl" --most "${MOST:-60}"
