"""Why something does not run, is not ready, or does not go: what was found, with its evidence and what to do next."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbcontainer.drawn import Drawn

_COMMAND = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows a reason: a field, an event or lines of a log.

    Attributes:
        source: where it is: "status.containerStatuses[app].state.waiting", "event FailedMount, 3 times", "log of app".
        text: what is there.
    """

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason.

    Attributes:
        reason: Kubernetes' own word ("ErrImagePull", "CrashLoopBackOff", "Unschedulable").
        message: the same in plain words.
        cure: what to do next; commands are in backquotes.
        container: the container concerned, or "".
        exit_code: of its command, or None.
        passing: whether it may pass by itself.
        evidence: what shows it.
        subject: the object concerned, "pod/web".
    """

    reason: str
    message: str
    cure: str
    container: str = ""
    exit_code: int | None = None
    passing: bool = False
    evidence: tuple[Evidence, ...] = ()
    subject: str = ""

    @property
    def next(self) -> tuple[str, ...]:
        """The commands of its cure."""
        return tuple(_COMMAND.findall(self.cure))


@dataclass(frozen=True)
class Diagnosis(Drawn):
    """Why an object is not well, as far as its cluster says; the most important reason first.

    Attributes:
        kind, name: the object; both "" for a whole namespace.
        status: how it is, in a few words: "Running, not ready".
        findings: the reasons; none if it is well.
        unread: what could not be looked at, and why.
        command: a kubectl command that shows the object.
    """

    kind: str
    name: str
    where: str = ""
    status: str = ""
    findings: tuple[Finding, ...] = ()
    unread: tuple[str, ...] = ()
    command: str = ""

    def __repr__(self) -> str:
        """Which object, and the first reason."""
        what = f"{self.kind}/{self.name}" if self.name else self.where
        return f"Diagnosis({what}: {self.reason or 'it is well'})"

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.findings)

    @property
    def reason(self) -> str:
        """The first reason in plain words; "" if it is well."""
        return self.findings[0].message if self.findings else ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What shows the first reason."""
        return self.findings[0].evidence if self.findings else ()

    @property
    def next(self) -> tuple[str, ...]:
        """The commands to run next, for the first reason."""
        return self.findings[0].next if self.findings else ()
