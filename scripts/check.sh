#!/bin/sh
# Lint, formats and types, of Python and TypeScript: what needs no engine, no cluster and no browser.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)
bin=$(dirname "$python")

echo "ruff";       "$bin/ruff" check .
echo "formats";    "$bin/ruff" format --check .
echo "mypy";       "$bin/mypy"
echo "TypeScript"; "$python" scripts/front_end.py check
