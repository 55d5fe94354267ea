#!/usr/bin/env bash
# Sign-in by SAML: installs the optional part by hash into .saml/ beside the sources, and runs its tests.
# `run.sh --install` installs alone, and says where.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
home="$root/.saml"
mkdir -p "$home"
if ! cmp --silent "$root/requirements/saml.txt" "$home/python.stamp"; then
  rm -rf "$home/python"
  "$root/.venv/bin/uv" pip install --quiet --python "$root/.venv/bin/python" --target "$home/python" \
    --no-deps --require-hashes -r "$root/requirements/saml.txt"
  cp "$root/requirements/saml.txt" "$home/python.stamp"
fi
if [ "${1:-}" = --install ]; then
  echo "$home/python"
  exit
fi
cd "$root"
export PYTHONPATH="$home/python${PYTHONPATH:+:$PYTHONPATH}"
exec .venv/bin/pytest tests/unit/web/test_saml.py tests/unit/app/test_saml.py -q "$@"
