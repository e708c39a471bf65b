"""Waiting until objects are as wanted, by a watch: what `kubectl wait` does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.clusters import jsonpath
from nbcontainer.clusters.discovery import field_selector_of
from nbcontainer.clusters.missing import check_namespace, not_found_soon
from nbcontainer.clusters.objects import Named, named, refuse_what_cannot
from nbcontainer.clusters.reflector import AWAITED_SECONDS, Away, Changed, Listed, reflect
from nbcontainer.errors import ApiError, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.waiting import ObjectSeen, Wait, Waited, apply_object_seen
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

GOALS = "condition=NAME, condition=NAME=VALUE, delete, create, jsonpath={PATH} or jsonpath={PATH}=VALUE"
SHORTEST_SECONDS = 1.0  # a wait of 0 s looks once, which takes a moment


@dataclass(frozen=True)
class Goal:
    """What objects are waited for.

    Attributes:
        said: as the user wrote it.
        look: whether an object is as wanted, and how it is; None stands for an object that does not exist.
        awaits_creation: whether an object need not exist yet.
        awaits_deletion: whether an object may be gone already.
    """

    said: str
    look: Callable[[JsonObject | None], tuple[bool, str]]
    awaits_creation: bool = False
    awaits_deletion: bool = False


def goal_of(said: str) -> Goal:
    """The goal that `--for` names.

    Raises:
        UsageError: it is not one of kubectl's forms.
    """
    kind, equals, rest = said.partition("=")
    match kind.lower():
        case "delete" if not equals:
            return Goal(said, lambda found: (found is None, _terminating(found)), awaits_deletion=True)
        case "create" if not equals:
            return Goal(said, lambda found: (found is not None, ""), awaits_creation=True)
        case "condition" if rest:
            name, _, status = rest.partition("=")
            return Goal(said, lambda found: _condition(found, name, status or "true"))
        case "jsonpath" if rest:
            path, value = _split(rest)
            read = jsonpath.selector(path)
            return Goal(said, lambda found: _value(found, read, value))
    raise UsageError(f"`--for={said}` is not something to wait for.", cure=f"It takes {GOALS}.")


def _split(rest: str) -> tuple[str, str | None]:
    """A JSONPath and the value after it: "{.status.phase}=Running"; an "=" in braces belongs to the path."""
    end = rest.rfind("}")
    more, equals, value = rest[end + 1 :].partition("=")
    path = rest[: end + 1] + more
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return path, (value[1:-1] if quoted else value) if equals else None


def _terminating(found: JsonObject | None) -> str:
    finalizers = object_of(found, "metadata").get("finalizers")
    if not text_of(found, "metadata", "deletionTimestamp"):
        return "nobody has deleted it yet" if found else ""
    return (
        f"held by {', '.join(map(str, finalizers))}" if isinstance(finalizers, list) and finalizers else "Terminating"
    )


def _condition(found: JsonObject | None, name: str, wanted: str) -> tuple[bool, str]:
    if found is None:
        return False, "it does not exist"
    conditions = entries_of(found, "status", "conditions")
    one = next((one for one in conditions if text_of(one, "type").lower() == name.lower()), None)
    if one is None:
        known = ", ".join(text_of(one, "type") for one in conditions)
        return False, f"it has no condition {name}" + (f", but {known}" if known else "")
    generation = number_of(found, "metadata", "generation")
    observed = number_of(one, "observedGeneration") or number_of(found, "status", "observedGeneration")
    if observed and observed < generation:
        return False, "its last change has not been seen by its controller yet"
    is_met = text_of(one, "status").lower() == wanted.lower()
    why = "" if is_met else ": ".join(filter(None, (text_of(one, "reason"), text_of(one, "message"))))
    return is_met, "" if is_met else f"{text_of(one, 'type')} is {text_of(one, 'status')}" + (f": {why}" if why else "")


def _value(found: JsonObject | None, read: Callable[[object], list[object]], wanted: str | None) -> tuple[bool, str]:
    if found is None:
        return False, "it does not exist"
    values = [jsonpath.as_text(value) for value in read(found)]
    is_met = bool(values) if wanted is None else wanted in values
    return is_met, "" if is_met else f"it is {', '.join(values)}" if values else "it has no such value"


def wait(
    cluster: Cluster,
    words: Sequence[str],
    until: str,
    *,
    selector: str = "",
    field_selector: str = "",
    everything: bool = False,
    all_namespaces: bool = False,
    timeout: float = 30.0,
) -> Operation[ObjectSeen, Wait, Waited]:
    """Wait until all objects that words name as in `kubectl get` are as wanted; a stop ends the wait.

    Raises:
        UsageError: the goal is not valid, or neither names nor a selector nor all are given.

    The operation raises:
        NotFound: an object does not exist, or none were found.
        ApiError: they were not as wanted in time; `reason` is "Timeout".
    """
    goal, found = goal_of(until), named(cluster, words)
    several = bool(selector or field_selector or everything)
    for one in found:
        refuse_what_cannot(cluster, one.resource, "watch")
        if bool(one.names) == several:
            raise UsageError(f"Which {one.resource.plural}?", cure="Name them, or give a selector, or `--all`.")
    query = {"labelSelector": selector} if selector else {}
    query |= {"fieldSelector": field_selector} if field_selector else {}
    shown = ", ".join(words) if not several else found[0].resource.plural
    operation: Operation[ObjectSeen, Wait, Waited] = Operation(
        f"wait for {goal.said} of {shown}", Wait(goal.said, cluster.where), apply_object_seen
    )
    flags = [f"--for={until}", *([f"--timeout={timeout:g}s"] if timeout != 30.0 else [])]  # noqa: PLR2004 - the default
    flags += ["--all"] * everything + ["-A"] * all_namespaces + (["-l", selector] if selector else [])
    flags += [f"--field-selector={field_selector}"] if field_selector else []
    command = cluster.commands.kubectl("wait", *words, *flags, namespace="" if all_namespaces else None)

    async def work(progress: Progress[ObjectSeen]) -> Waited:
        waiting = [_Waiting(cluster, one, goal, query, everywhere=all_namespaces, progress=progress) for one in found]
        try:
            async with asyncio.timeout(max(timeout, SHORTEST_SECONDS) if timeout >= 0 else None):
                await asyncio.gather(*(one.run() for one in waiting))
        except TimeoutError:
            left = [text for one in waiting for text in one.end(Outcome.FAILED)]
            raise ApiError(
                f"Timed out after {timeout:g} s waiting for {goal.said}: {'; '.join(left) or 'nothing was found'}.",
                reason="Timeout",
                cure="`--timeout` gives it more time.",
            ) from None
        except asyncio.CancelledError:
            for one in waiting:
                one.end(Outcome.STOPPED)
            raise
        return Waited(operation.state, command)

    return operation.start_task(work)


class _Waiting:
    """Waits for the objects of one kind."""

    def __init__(
        self,
        cluster: Cluster,
        found: Named,
        goal: Goal,
        query: dict[str, str],
        *,
        everywhere: bool,
        progress: Progress[ObjectSeen],
    ) -> None:
        self._cluster, self._resource, self._goal, self._progress = cluster, found.resource, goal, progress
        self._names = found.names
        self._query = {"fieldSelector": field_selector_of(found.names[0])} if len(found.names) == 1 else query
        self._everywhere = everywhere
        self._left: dict[str, str] = {}  # how each object is that is not yet as wanted, by its key

    def end(self, outcome: Outcome) -> list[str]:
        """Say of each object that is left how its wait ended; returns them with how they are."""
        for key, message in self._left.items():
            self._progress.emit(ObjectSeen(key, outcome, message, time.time()))
        return [f"{key}: {message}" if message else key for key, message in self._left.items()]

    async def run(self) -> None:
        """Wait until all of them are as wanted."""
        path = self._resource.path("" if self._everywhere else self._cluster.namespace)
        there: dict[str, JsonObject] = {}
        keys: set[str] | None = None
        async for news in reflect(self._cluster, path, self._query, silence=AWAITED_SECONDS):
            if isinstance(news, Away):
                for key in self._left:
                    self._progress.emit(ObjectSeen(key, Outcome.RUNNING, news.note, time.time()))
                continue
            if isinstance(news, Listed):
                there = {self._key(one): one for page in news.pages for one in entries_of(page, "items")}
                if keys is None:
                    keys = await self._keys(there)
            elif isinstance(news, Changed):
                for event in news.events:
                    one = object_of(event, "object")
                    if event["type"] == "DELETED":
                        there.pop(self._key(one), None)
                    else:
                        there[self._key(one)] = one
            if keys is not None and self._look(keys, there):
                return

    def _key(self, found: JsonObject) -> str:
        space = text_of(found, "metadata", "namespace") if self._everywhere else ""
        return "/".join(filter(None, (space, self._resource.qualified_kind, text_of(found, "metadata", "name"))))

    async def _keys(self, there: dict[str, JsonObject]) -> set[str]:
        """The objects to wait for: those named, or those that there are now; for a creation, any.

        Raises:
            NotFound: there are none, or one of those named does not exist.
        """
        keys = {f"{self._resource.qualified_kind}/{name}" for name in self._names} or set(there)
        missing = [name for name in self._names if f"{self._resource.qualified_kind}/{name}" not in there]
        if missing and not (self._goal.awaits_creation or self._goal.awaits_deletion):
            raise await not_found_soon(self._cluster, missing, self._resource)
        if not keys and not self._goal.awaits_deletion:
            await asyncio.to_thread(check_namespace, self._cluster)
            raise NotFound(f"There are no such {self._resource.plural} in {self._cluster.where}.")
        return keys

    def _look(self, keys: set[str], there: dict[str, JsonObject]) -> bool:
        """Emit what has changed; whether all are as wanted."""
        for key in sorted(keys):
            is_met, message = self._goal.look(there.get(key))
            if is_met:
                self._left.pop(key, None)
                self._progress.emit(ObjectSeen(key, Outcome.DONE, "", time.time()))
                keys.discard(key)
            elif self._left.get(key) != message:
                self._left[key] = message
                self._progress.emit(ObjectSeen(key, Outcome.RUNNING, message, time.time()))
        return not keys
