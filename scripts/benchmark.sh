#!/bin/sh
# The table of timings: medians in turn, beside docker, buildx and kubectl in the same run.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)
"$python" -m tests.environment up docker registry images kubernetes kwok
exec "$python" -m benchmarks "$@"
