"""Ending a command that was stopped: closing its stream does not end it, unless it writes.

kubectl leaves it running. Here a second command, in the same container, finds the first and kills its whole process
group. The API cannot label a command, so it is recognised by what every exec'd command has, a parent outside the
container, and by its age. Of two commands of the same age, it is the one with the same arguments; if several match,
none is touched. Where the command may have ended by itself, only one with its arguments is it: programs that replace
themselves, such as `sh -c "exec …"`, are then not found, but nobody else's command is taken for it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD
from nbcontainer.errors import NbcontainerError

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.pods import ExecRequest

SECONDS = 15.0  # for all of it
ENDED, NOT_FOUND, SEVERAL = "ended", "not there", "several"

# Needs only POSIX sh and cat. $1: how much earlier than this one the command was requested; $2: its arguments, joined;
# $3: not empty if only a command with these arguments is it. Times are in hundredths of a second, as in /proc/*/stat
SCRIPT = r"""
exec 2>/dev/null
parent_of() {
  while read -r key value; do
    [ "$key" = PPid: ] && echo "$value" && break
  done < "/proc/$1/status"
}
began_at() {
  read -r line < "/proc/$1/stat" || return
  set -- ${line##*) }
  shift 19
  echo "$1"
}
outside=$(parent_of $$)
here=$(began_at $$)
best= least= next= same= m=0
for place in /proc/[0-9]*; do
  id=${place#/proc/}
  [ "$id" = $$ ] && continue
  [ "$id" = 1 ] && continue
  [ "$(parent_of "$id")" = "$outside" ] || continue
  began=$(began_at "$id")
  [ -n "$began" ] || continue
  is=
  [ "$(cat "$place/cmdline")" = "$2" ] && is=1
  [ -n "$3" ] && [ -z "$is" ] && continue
  off=$((here - began - $1))
  [ $off -lt 0 ] && off=$((-off))
  [ $off -le 500 ] || continue
  if [ -z "$best" ] || [ $off -lt $least ]; then
    next=$least best=$id least=$off
  elif [ -z "$next" ] || [ $off -lt $next ]; then
    next=$off
  fi
  [ -n "$is" ] && same=$id m=$((m + 1))
done
[ -n "$best" ] || { echo "not there"; exit; }
if [ -n "$next" ] && [ $((next - least)) -lt 30 ]; then
  [ $m = 1 ] || { echo several; exit; }
  best=$same
fi
kill -TERM -"$best" || kill -TERM "$best"
echo ended
sleep 0.3 || sleep 1
kill -KILL -"$best" || kill -KILL "$best"
"""


async def end_command(cluster: Cluster, request: ExecRequest, began: float, *, may_have_ended: bool = False) -> str:
    """End a command that was started at `began` (`time.monotonic`); returns why it may go on, "" if it does not.

    `may_have_ended`: whether it may have ended by itself, as one does whose input broke off.
    """
    earlier = int((time.monotonic() - began) * 100)
    words = ("sh", "-c", SCRIPT, "sh", str(earlier), "".join(request.command), "exact" if may_have_ended else "")
    try:
        async with asyncio.timeout(SECONDS):
            said = await _run(cluster, request, words)
    except (NbcontainerError, TimeoutError):
        return "it may go on in the container: the container could not be reached to end it"
    if ENDED in said or NOT_FOUND in said:
        return ""
    if SEVERAL in said:
        return "it may go on in the container: another command started at the same time"
    return "it may go on in the container, which has no shell to end it with"


async def _run(cluster: Cluster, request: ExecRequest, words: tuple[str, ...]) -> str:
    """A short command's output, as soon as it has written anything."""
    parameters: list[tuple[str, str | int | bool]] = [("command", word) for word in words]
    parameters += [("stdout", True), ("stderr", False)]
    parameters += [("container", request.container)] if request.container else []
    path = POD.path(cluster.namespace, request.name, "exec")
    said = b""
    async with cluster.websocket(
        path, parameters=parameters, protocols=("v5.channel.k8s.io", "v4.channel.k8s.io")
    ) as socket:
        async for message in socket:
            data = message.data if isinstance(message.data, bytes) else str(message.data).encode()
            if data[:1] == b"\x01":
                said += data[1:]
            elif data[:1] == b"\x03":
                break
    return said.decode(errors="replace")
