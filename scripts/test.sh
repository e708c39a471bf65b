#!/bin/sh
# Everything the tests need, then all tests.
set -eu
cd "$(dirname "$0")/.."

# programs that the tests and their environment call, which a minimal Debian may lack
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  missing=
  command -v git >/dev/null || missing="$missing git"
  command -v ip >/dev/null || missing="$missing iproute2"
  ldconfig -p | grep -q 'libatomic\.so\.1 ' || missing="$missing libatomic1" # Playwright's Node.js
  if [ -n "$missing" ]; then
    apt-get update -q
    # shellcheck disable=SC2086 - several words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
  fi
fi

python=$(sh scripts/bootstrap.sh test)
exec "$python" scripts/test.py "$@"
