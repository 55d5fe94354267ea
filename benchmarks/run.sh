#!/usr/bin/env bash
# Installs the peers beside the project and measures everything in one go.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -e .bench/stamp ] || [ requirements/bench.txt -nt .bench/stamp ]; then
  .venv/bin/uv venv --quiet --clear --python .venv/bin/python .bench/venv
  .venv/bin/uv pip sync --quiet --python .bench/venv/bin/python --require-hashes requirements/bench.txt
  touch .bench/stamp
fi
.venv/bin/python benchmarks/extract.py
.venv/bin/python benchmarks/vault_nights.py --keep
echo "Figures: benchmarks/results.json and docs/explanation/performance.md"
