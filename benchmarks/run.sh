#!/usr/bin/env bash
# Installs the peers beside the project and measures everything in one go.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -e .bench/stamp ] || [ requirements/bench.txt -nt .bench/stamp ]; then
  .venv/bin/uv venv --quiet --clear --python .venv/bin/python .bench/venv
  .venv/bin/uv pip sync --quiet --python .bench/venv/bin/python --require-hashes requirements/bench.txt
  touch .bench/stamp
fi

if ! cmp --silent requirements/bench-cumulusci.txt .bench/cumulusci.stamp; then
  .venv/bin/uv venv --quiet --clear --python .venv/bin/python .bench/cumulusci
  .venv/bin/uv pip sync --quiet --python .bench/cumulusci/bin/python --require-hashes requirements/bench-cumulusci.txt
  cp requirements/bench-cumulusci.txt .bench/cumulusci.stamp
fi

if command -v node >/dev/null && command -v npm >/dev/null; then
  mkdir -p .bench/sfdmu
  cp benchmarks/sfdmu/run.cjs .bench/sfdmu/
  if ! cmp --silent benchmarks/sfdmu/package-lock.json .bench/sfdmu/stamp; then
    cp benchmarks/sfdmu/package.json benchmarks/sfdmu/package-lock.json .bench/sfdmu/
    (cd .bench/sfdmu && npm ci --ignore-scripts --no-audit --no-fund --silent)
    cp benchmarks/sfdmu/package-lock.json .bench/sfdmu/stamp
  fi
else
  echo "To measure beside SFDMU, install Node.js 20 or newer with npm: apt install nodejs npm"
fi

install_tools() { apt-get install -y -qq restic borgbackup; }
if ! { command -v restic && command -v borg; } >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { install_tools || { apt-get update -qq && install_tools; }; } >/dev/null 2>&1 || true
  else
    echo "To measure beside restic and borg, install them: apt install restic borgbackup"
  fi
fi

# Both sides run from compiled modules, as they do where pip installed them.
for python in .venv .bench/venv .bench/cumulusci; do
  "$python/bin/python" -m compileall -q "$python/lib" >/dev/null 2>&1 || true
done
.venv/bin/python -m compileall -q src simulators/src benchmarks

date -u +"Begun %F %T UTC, load $(cut -d' ' -f1-3 /proc/loadavg)"
.venv/bin/python benchmarks/extract.py --keep
.venv/bin/python benchmarks/vault_nights.py --keep
year="$(mktemp -d)"
trap 'rm -rf "$year"' EXIT
.venv/bin/python benchmarks/vault_year.py --folder "$year/vault" --keep
.venv/bin/python benchmarks/vault_jobs.py "$year/vault" --keep
rm -rf "$year"
.venv/bin/python benchmarks/vault_size.py --keep
.venv/bin/python benchmarks/search_index.py --keep
.venv/bin/python benchmarks/archive.py --keep
.venv/bin/python benchmarks/archive_run.py --keep
.venv/bin/python benchmarks/vault_mails.py --keep
.venv/bin/python benchmarks/far_vault.py --keep
.venv/bin/python benchmarks/vault_bundles.py --keep
.venv/bin/python benchmarks/change_log.py --keep
.venv/bin/python benchmarks/file_backups.py --keep
.venv/bin/python benchmarks/other_stores.py --keep
.venv/bin/python benchmarks/restore.py --keep
.venv/bin/python benchmarks/servicenow.py --keep
.venv/bin/python benchmarks/service.py --keep
.venv/bin/python benchmarks/workers.py --keep
.venv/bin/python benchmarks/console.py --keep
.venv/bin/python benchmarks/cli_start.py --keep
.venv/bin/python benchmarks/hostile_answers.py --keep
.venv/bin/python benchmarks/own_tests.py --keep
date -u +"Ended %F %T UTC, load $(cut -d' ' -f1-3 /proc/loadavg)"
.venv/bin/python benchmarks/results.py
echo "Figures: benchmarks/results.json and docs/explanation/performance.md"
