#!/usr/bin/env bash
# Renews the lock files from the .in files; run it after a change of a dependency.
set -euo pipefail
cd "$(dirname "$0")"
uv=${UV:-../.venv/bin/uv}
for name in bootstrap build runtime simulators dev bench bench-cumulusci referees browser saml delta stores openbao spark mutants; do
  "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate \
    --python-version 3.12 --universal "$name.in" -o "$name.txt"
done
