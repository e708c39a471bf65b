#!/bin/bash
# A machine with nothing installed: `scripts/fresh.sh [COMMAND…]` runs a command (default: make demo, twice) in a clone
# of this clone's last commit, on a clean Debian 12 in its own mount, process and network namespaces.
# Needs root; NBCONTAINER_FRESH_KEEP=1 keeps its root filesystem and prints the path.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "Making a root filesystem needs root." >&2; exit 1; }
for command in mmdebstrap iptables ip nsenter unshare git; do
  command -v "$command" >/dev/null || { echo "$command is missing: apt-get install mmdebstrap iptables iproute2 git" >&2; exit 1; }
done

cache=${NBCONTAINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nbcontainer}/fresh
base=$cache/bookworm
if [ ! -e "$base/etc/debian_version" ]; then
  echo "making a clean Debian 12 …" >&2
  mkdir -p "$cache"
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,make bookworm "$base.new" >&2
  mv "$base.new" "$base"
fi

root=$(mktemp -d "$cache/root-XXXXXX")
name=nbcfresh$$
third=$(($$ % 250 + 1))
gateway=10.213.$third.1 address=10.213.$third.2
nat=(POSTROUTING -s "10.213.$third.0/24" -j MASQUERADE)

leave() {
  ip netns pids "$name" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
  ip netns delete "$name" 2>/dev/null || true
  ip link delete "$name" 2>/dev/null || true
  iptables -t nat -D "${nat[@]}" 2>/dev/null || true
  if [ -n "${NBCONTAINER_FRESH_KEEP:-}" ]; then echo "kept: $root" >&2; else rm -rf --one-file-system "$root"; fi
}
trap leave EXIT

cp -a "$base/." "$root"
# reach package registries the way this machine does
rm -f "$root/etc/apt/sources.list"
for path in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/pip.conf /etc/resolv.conf /etc/hosts \
  /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates "$HOME/.config/pip" "$HOME/.npmrc" "$HOME/.config/go"; do
  if [ -e "$path" ]; then mkdir -p "$root$(dirname "$path")"; cp -aLT --remove-destination "$path" "$root$path"; fi
done
git clone --quiet --no-hardlinks . "$root/srv/nbcontainer"

ip netns add "$name"
ip link add "$name" type veth peer name eth0 netns "$name"
ip addr add "$gateway/24" dev "$name"
ip link set "$name" mtu 1400 up
ip -n "$name" addr add "$address/24" dev eth0
ip -n "$name" link set eth0 mtu 1400 up
ip -n "$name" link set lo up
ip -n "$name" route add default via "$gateway"
echo 1 > /proc/sys/net/ipv4/ip_forward
iptables -t nat -A "${nat[@]}"

variables=(HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
while IFS= read -r line; do variables+=("$line"); done < <(
  env | grep -iE '^([a-z_]*proxy|[A-Z_]*(CERT|CA_BUNDLE|CACERTS|CAINFO)[A-Z_]*|(PIP|UV)_[A-Z_]*|npm_config_[a-z_]*)=' || true
)

# /sys is mounted anew to show the namespace's own network devices; cgroups are shared with the machine
inside='
set -eu
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/net"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom tty kmsg fuse net/tun; do
  [ -e "/dev/$device" ] || continue
  : > "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
cd "$root"
mkdir .old
pivot_root . .old
umount -l /.old
rmdir /.old
exec "$@"
'
if [ $# = 0 ]; then set -- bash -c 'time make demo && time make demo'; fi
nsenter --net="/run/netns/$name" unshare --mount --pid --fork --kill-child --ipc --uts -- \
  bash -c "$inside" fresh "$root" /usr/bin/env -i "${variables[@]}" bash -c 'cd /srv/nbcontainer && exec "$@"' fresh "$@"
