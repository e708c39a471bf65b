#!/bin/sh
# Everything the tests need, then all tests.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)
exec "$python" scripts/test.py
