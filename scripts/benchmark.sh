#!/bin/sh
# The table of timings: medians of alternating runs, beside docker, buildx, kubectl and stern.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)
"$python" -m tests.environment up docker registry images kubernetes
eval "$("$python" -m tests.environment env kubernetes)"
NBCONTAINER_BENCHMARK_KUBECONFIG=$KUBECONFIG; export NBCONTAINER_BENCHMARK_KUBECONFIG NBCONTAINER_TEST_KUBECTL
exec "$python" -m benchmarks "$@"
