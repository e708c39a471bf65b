#!/bin/sh
# Lint, formatting and types of Python and TypeScript: the checks that need no engine, cluster or browser.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)
bin=$(dirname "$python")
# outside the clone, to be reused by a new one; both tools compare file contents
cache=${NBCONTAINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nbcontainer}/checks
export MYPY_CACHE_DIR="$cache/mypy" RUFF_CACHE_DIR="$cache/ruff"

echo "ruff";       "$bin/ruff" check .
echo "formatting";   "$bin/ruff" format --check .
echo "mypy";       "$bin/mypy"
echo "TypeScript"; "$python" scripts/front_end.py check
