#!/bin/sh
# Everything the tests need, then all tests. Where this kind of machine (Debian as root) has all parts, none may be skipped.
set -eu
cd "$(dirname "$0")/.."
python=$(sh scripts/bootstrap.sh test)

"$python" -m tests.environment up
sh scripts/check.sh

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  NBCONTAINER_REQUIRE_ALL=1; export NBCONTAINER_REQUIRE_ALL
fi

# the parts without engine, cluster and browser, on the other Python that is here (pyenv's own names work only where they
# are chosen); then all on this one
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for minor in 3.11 3.12; do
  [ "$minor" = "$version" ] && continue
  for other in "python$minor" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$minor".*/bin/python; do
    "$other" -c 'import venv, ensurepip' >/dev/null 2>&1 || continue
    second=$(sh scripts/bootstrap.sh test "$other")
    echo "quick tests on Python $minor"
    "$second" -m pytest -q -m "not live"
    break
  done
done
# what failed is run once more, alone, and must pass then: a browser or a cluster on a busy machine may miss a moment
run() {
  "$python" -m pytest -q "$@" && return 0
  echo "what failed is run once more"
  "$python" -m pytest -q --last-failed --last-failed-no-failures=none "$@"
}

echo "all tests on Python $version"
run --ignore=tests/browser "$@"
# in a process of their own: Playwright keeps an event loop running in the thread of its tests
run tests/browser "$@"
