#!/usr/bin/env bash
# Resolve pyproject.toml and export lock files without host names. uv.lock itself holds index URLs
# and stays out of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
uv() { "$python" -m uv "$@"; }
export() { uv export --frozen --no-hashes --no-header --no-annotate --no-emit-project "$@"; }

uv lock
export >requirements.lock.new
export --no-dev --extra server >deploy/requirements.lock.new
# Superset's own environment knows nothing of this project's settings: resolved from elsewhere.
bi=$PWD/bi
uv --directory / pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links "$bi/requirements.in" -o "$bi/requirements.lock.new"
if grep -nE '://' requirements.lock.new deploy/requirements.lock.new \
  bi/requirements.lock.new; then
  echo "a lock file names a host: see the lines above" >&2
  exit 1
fi
mv requirements.lock.new requirements.lock
mv deploy/requirements.lock.new deploy/requirements.lock
mv bi/requirements.lock.new bi/requirements.lock
