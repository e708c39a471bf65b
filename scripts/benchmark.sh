#!/bin/sh
# The table of timings: medians of alternating runs, beside docker, buildx, kubectl and stern.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)
"$python" -m tests.environment up docker registry images kubernetes kwok
eval "$("$python" -m tests.environment env kubernetes)"
NBCONTAINER_BENCHMARK_KUBECONFIG=$KUBECONFIG; export NBCONTAINER_BENCHMARK_KUBECONFIG NBCONTAINER_TEST_KUBECTL
"$python" -m tests.environment pods 1000
status=0
"$python" -m benchmarks "$@" || status=$?
"$python" -m tests.environment pods 0
exit $status
