"""What the rules look at, and the words that several of them need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.commands import CLUSTER_IN_USE, ClusterCommands
from nbcontainer.model.why import Evidence

LISTS = (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses"))
EPHEMERAL = ("ephemeralContainers", "ephemeralContainerStatuses")
LAST_LINES = 5  # of a log, as evidence


@dataclass(frozen=True)
class PodFacts:
    """A pod, and what else is known about it.

    Attributes:
        pod: the object.
        commands: of its cluster, for what to do next.
        events: the events about it, newest last; none where they were not read.
        logs: the last lines of containers that ended, by container.
        claims: the PersistentVolumeClaims that it uses, by name; None for one that does not exist.
        claim_events: the events about these, by the claim's name.
        node: its node, {} where it was not read.
        now: seconds since the epoch.
    """

    pod: JsonObject
    commands: ClusterCommands = CLUSTER_IN_USE
    events: tuple[JsonObject, ...] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, JsonObject | None] = field(default_factory=dict)
    claim_events: Mapping[str, tuple[JsonObject, ...]] = field(default_factory=dict)
    node: JsonObject = field(default_factory=dict)
    now: float = 0.0

    @property
    def name(self) -> str:
        """The pod's name."""
        return text_of(self.pod, "metadata", "name")

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return text_of(self.pod, "metadata", "namespace")

    @property
    def status(self) -> JsonObject:
        """Its status."""
        return object_of(self.pod, "status")

    def magic(self, *words: str) -> str:
        """A `%kpod` line in its namespace, in backquotes."""
        return self.commands.magic(*words, namespace=self.namespace)

    def kube(self, *words: str) -> str:
        """A `%kube` line in its namespace, in backquotes."""
        return self.commands.kube(*words, namespace=self.namespace)

    def kube_wide(self, *words: str) -> str:
        """A `%kube` line about what is in no namespace, in backquotes."""
        return self.commands.kube(*words, namespace="")

    @property
    def describe(self) -> str:
        """The line that describes it, in backquotes."""
        return self.magic("describe", self.name)

    def containers(self) -> Iterator[Container]:
        """Its containers with their statuses, init containers first."""
        for part, (_, key) in enumerate((*LISTS, EPHEMERAL)):
            for status in entries_of(self.pod, "status", key):
                yield Container(text_of(status, "name"), status, key, is_init=part == 0)

    def spec_of(self, container: Container) -> JsonObject:
        """What the pod says about a container."""
        for part, key in (*LISTS, EPHEMERAL):
            for one in entries_of(self.pod, "spec", part) if key == container.key else ():
                if text_of(one, "name") == container.name:
                    return one
        return {}

    def last_event(self, *reasons: str, says: str = "") -> JsonObject | None:
        """The newest event with one of these reasons, whose message has this text."""
        for event in reversed(self.events):
            if text_of(event, "reason") in reasons and says in text_of(event, "message"):
                return event
        return None

    def condition(self, name: str) -> JsonObject:
        """One of its conditions, {} if it has none of that type."""
        return next((one for one in entries_of(self.status, "conditions") if one.get("type") == name), {})


@dataclass(frozen=True)
class Container:
    """A container's status; `key` is the list that has it."""

    name: str
    status: JsonObject
    key: str
    is_init: bool = False

    @property
    def waiting(self) -> JsonObject:
        """What it waits for, {} if it does not."""
        return object_of(self.status, "state", "waiting")

    @property
    def ended(self) -> JsonObject:
        """How it ended, {} if it has not."""
        return object_of(self.status, "state", "terminated")

    @property
    def last(self) -> JsonObject:
        """How it ended before it was started again, {} if it never did."""
        return object_of(self.status, "lastState", "terminated")

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return number_of(self.status, "restartCount") or 0

    def evidence(self, *path: str) -> Evidence:
        """A part of its status, such as "state", "waiting"."""
        found = object_of(self.status, *path)
        shown = ", ".join(f"{key}: {value}" for key, value in found.items() if key != "containerID")
        return Evidence(f"status.{self.key}[{self.name}].{'.'.join(path)}", shown)


def of_event(event: JsonObject) -> Evidence:
    """An event as evidence."""
    count = number_of(event, "series", "count") or number_of(event, "count") or 1
    times = f", {count} times" if count > 1 else ""
    return Evidence(f"event {text_of(event, 'reason')}{times}", text_of(event, "message").strip())


def of_condition(condition: JsonObject) -> Evidence:
    """A condition as evidence."""
    said = ": ".join(filter(None, (text_of(condition, "reason"), text_of(condition, "message").strip())))
    return Evidence(f"condition {text_of(condition, 'type')}", f"{text_of(condition, 'status')} {said}".strip())


def of_log(facts: PodFacts, container: str) -> tuple[Evidence, ...]:
    """The last lines that a container wrote as evidence; none where they were not read."""
    lines = [line for line in facts.logs.get(container, "").splitlines() if line.strip()][-LAST_LINES:]
    return (Evidence(f"log of {container}", "\n".join(lines)),) if lines else ()


def log_cure(facts: PodFacts, container: str, *words: str) -> str:
    """Where what a container wrote is seen."""
    which = ["-c", container] if len(list(facts.containers())) > 1 else []
    return f"{facts.magic('logs', facts.name, *which, *words)} shows what it wrote; {facts.describe} shows all of it."
