#!/bin/sh
# Lint, formats and types, of Python and TypeScript: what needs no engine, no cluster and no browser.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)
bin=$(dirname "$python")
# outside of the clone, so that a new clone does not begin anew; both tools compare what the files hold
cache=${NBCONTAINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nbcontainer}/checks
export MYPY_CACHE_DIR="$cache/mypy" RUFF_CACHE_DIR="$cache/ruff"

echo "ruff";       "$bin/ruff" check .
echo "formats";    "$bin/ruff" format --check .
echo "mypy";       "$bin/mypy"
echo "TypeScript"; "$python" scripts/front_end.py check
