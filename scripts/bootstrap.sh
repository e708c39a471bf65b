#!/bin/sh
# Gives a Python of nbcontainer's own for this clone, outside of it: `scripts/bootstrap.sh GROUP` prints its path.
# GROUP is a dependency group of pyproject.toml (demo, lab, test), or `python` for the interpreter that they are made of.
# Installs Python itself where it is missing (Debian).
set -eu

group=${1:?usage: bootstrap.sh GROUP [PYTHON]}
clone=$(cd "$(dirname "$0")/.." && pwd)
cache=${NBCONTAINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nbcontainer}

say() { printf '%s\n' "$*" >&2; }
good() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python=${2:-}
if [ -z "$python" ]; then
  for candidate in python3.12 python3.11 python3.13 python3; do
    if good "$candidate"; then python=$candidate; break; fi
  done
fi
if [ -z "$python" ]; then
  command -v apt-get >/dev/null || { say "Python 3.11 or newer with venv is needed. Install it and run this again."; exit 1; }
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  say "Installing Python from the distribution …"
  $sudo apt-get update -q >&2
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends python3 python3-venv ca-certificates >&2
  python=python3
fi

if [ "$group" = python ]; then
  command -v "$python"
  exit
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
place=$(printf '%s' "$clone" | cksum | cut -d' ' -f1)
home=$cache/python/$version-$group-$place
wanted=$(cat "$clone/pyproject.toml" "$clone/scripts/bootstrap.sh" | cksum)
page=$(cd "$clone/nbcontainer/frontend" &&
  find src build.mjs package.json package-lock.json -type f | LC_ALL=C sort | xargs cat | cksum)

# the package, editable, which builds its front end into the clone; the arguments are added to uv's and to pip's
install() {
  # uv does not read pip's configuration
  index=$("$home/bin/python" -m pip config get global.index-url 2>/dev/null || true)
  if [ -n "$index" ]; then UV_DEFAULT_INDEX=$index; export UV_DEFAULT_INDEX; fi
  # where Python keeps no bytecode, each start of a kernel or a test would compile thousands of files again
  compile=
  [ -z "${PYTHONDONTWRITEBYTECODE:-}" ] || compile=--compile-bytecode
  (cd "$clone" && "$home/bin/uv" pip install -q $compile --python "$home/bin/python" --editable . "$@" >&2) ||
    (cd "$clone" && "$home/bin/python" -m pip install -q --editable . "$@" >&2)
  printf '%s' "$page" > "$home/page"
}

if [ "$(cat "$home/wanted" 2>/dev/null)" != "$wanted" ] || [ ! -x "$home/bin/python" ]; then
  say "Making a Python $version environment for '$group' …"
  mkdir -p "$cache/python"
  rm -rf "$home"
  "$python" -m venv "$home"
  "$home/bin/python" -m pip install -q --disable-pip-version-check 'uv>=0.8' 'pip>=25.1' >&2
  install --group "$group"
  printf '%s' "$wanted" > "$home/wanted"
elif [ "$(cat "$home/page" 2>/dev/null)" != "$page" ] || [ ! -e "$clone/nbcontainer/static/sources.sha256" ]; then
  # the environment outlives a clone that is made anew in its place, and the page that was built into it
  say "Building the front end …"
  install --no-deps
fi
if [ -n "${PYTHONDONTWRITEBYTECODE:-}" ]; then
  (cd "$clone" && "$home/bin/python" -m compileall -q nbcontainer tests benchmarks scripts >&2) || true
fi
printf '%s\n' "$home/bin/python"
