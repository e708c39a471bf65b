"""Podman's pods and events as rows with a cluster's columns. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbcontainer.engines.output import seconds_of
from nbcontainer.model.tables import Column, Row, Tone

__all__ = ["EVENT_COLUMNS", "columns", "event_row", "pod_row", "pod_status"]

EVENT_COLUMNS = (
    Column("LAST SEEN", "age"),
    Column("TYPE", "status"),
    Column("REASON"),
    Column("OBJECT"),
    Column("MESSAGE"),
)
_TONES = {
    "Running": Tone.GOOD,
    "Completed": Tone.DIM,
    "Pending": Tone.WARNING,
    "Paused": Tone.WARNING,
    "Error": Tone.BAD,
}


def columns() -> tuple[Column, ...]:
    """The columns of a cluster's pods."""
    return (
        Column("NAME"),
        Column("READY"),
        Column("STATUS", "status"),
        Column("RESTARTS", "number"),
        Column("AGE", "age"),
    )


def pod_status(pod: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], codes: Sequence[int]) -> str:
    """The pod's status as a cluster words it.

    Podman says Created, Running, Degraded (some ended), Exited, Stopped, Paused, Dead.
    """
    word = str(pod.get("Status") or pod.get("State") or "Unknown")
    own = [str(one.get("Status") or "") for one in containers]
    if word == "Created":
        return "Pending"
    if word in {"Degraded", "Exited", "Stopped", "Dead"}:
        if any(status == "running" for status in own):
            return "Running"
        return "Error" if any(codes) or word == "Dead" else "Completed"
    return word


def pod_row(
    pod: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], restarts: int, codes: Sequence[int]
) -> Row:
    """One pod; `codes` are its containers' exit codes."""
    ready = sum(str(one.get("Status")) == "running" for one in containers)
    status = pod_status(pod, containers, codes)
    name = str(pod.get("Name") or "")
    return Row(
        key=str(pod.get("Id") or name),
        cells=(name, f"{ready}/{len(containers)}", status, restarts, seconds_of(str(pod.get("Created") or ""))),
        tone=_TONES.get(status, Tone.PLAIN),
        name=name,
        kind="Pod",
        labels=dict(pod.get("Labels") or {}),
    )


def event_row(index: int, event: Mapping[str, Any]) -> Row:
    """One of Podman's events."""
    about = event.get("Actor") or {}
    attributes = about.get("Attributes") or {}
    kind, name = str(event.get("Type") or ""), str(attributes.get("name") or about.get("ID") or "")
    action = str(event.get("Action") or "")
    code = str(attributes.get("containerExitCode") or "0")
    failed = action == "died" and code != "0"
    message = f"exit code {code}" if action == "died" else str(attributes.get("image") or "")
    cells = (float(event.get("time") or 0), "Warning" if failed else "Normal", action, f"{kind}/{name}", message)
    return Row(
        key=f"{event.get('timeNano')}-{index}",
        cells=cells,
        tone=Tone.WARNING if failed else Tone.DIM,
        name=f"{kind}/{name}",
        kind="Event",
    )
