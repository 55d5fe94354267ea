#!/usr/bin/env bash
# Do the vault's tests notice faults? Small ones are put into its sources, drawn by chance, one at a time, and
# the tests that run that line are run, for MOST seconds. COUNT mutants by SEED; what knows how to make them
# is installed by hash into .mutants/ beside the sources.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.mutants"
"$root/tests/own_python.sh" mutants
cd "$root"
room=src/unlost/vault
rm -f "$home"/coverage*
PYTHONPATH="$root/tests${PYTHONPATH:+:$PYTHONPATH}" UNLOST_LASTING="$home/seconds.jsonl" COVERAGE_FILE="$home/coverage" UNLOST_WHOLE=1 \
  .venv/bin/pytest -p mutants.lasting -n auto --dist worksteal -q --cov "$room" --cov-context=test --cov-report= \
  tests/unit/vault tests/conformance tests/golden tests/stateful/vault tests/faults/vault
"$home/python/bin/python" tests/mutants/draw.py --count "${COUNT:-300}" --seed "${SEED:-1}" "$room" >"$home/mutants.jsonl"
.venv/bin/python tests/mutants/hunt.py "$home/mutants.jsonl" "$home/coverage" "$home/seconds.jsonl" \
  --out "$home/result.jsonl" --most "${MOST:-60}"
