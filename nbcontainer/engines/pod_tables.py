"""Podman's pods and events as rows with a cluster's columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nbcontainer.json_objects import JsonObject, number_of, object_of, text_of, texts_of
from nbcontainer.model.tables import Column, Row, Tone
from nbcontainer.model.timestamps import seconds_of

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


def pod_status(pod: JsonObject, containers: Sequence[JsonObject], codes: Sequence[int]) -> str:
    """The pod's status as a cluster words it.

    Podman says Created, Running, Degraded (some ended), Exited, Stopped, Paused, Dead.
    """
    word = text_of(pod, "Status") or text_of(pod, "State") or "Unknown"
    own = [text_of(one, "Status") for one in containers]
    if word == "Created":
        return "Pending"
    if word in {"Degraded", "Exited", "Stopped", "Dead"}:
        if any(status == "running" for status in own):
            return "Running"
        return "Error" if any(codes) or word == "Dead" else "Completed"
    return word


def pod_row(pod: JsonObject, containers: Sequence[JsonObject], restarts: int, codes: Sequence[int]) -> Row:
    """One pod; `codes` are its containers' exit codes."""
    ready = sum(text_of(one, "Status") == "running" for one in containers)
    status = pod_status(pod, containers, codes)
    name = text_of(pod, "Name")
    return Row(
        key=text_of(pod, "Id") or name,
        cells=(name, f"{ready}/{len(containers)}", status, restarts, seconds_of(text_of(pod, "Created"))),
        tone=_TONES.get(status, Tone.PLAIN),
        name=name,
        kind="Pod",
        labels=texts_of(pod, "Labels"),
    )


def event_row(index: int, event: JsonObject) -> Row:
    """One of Podman's events."""
    attributes = object_of(event, "Actor", "Attributes")
    kind, name = text_of(event, "Type"), text_of(attributes, "name") or text_of(event, "Actor", "ID")
    action = text_of(event, "Action")
    code = text_of(attributes, "containerExitCode") or "0"
    failed = action == "died" and code != "0"
    message = f"exit code {code}" if action == "died" else text_of(attributes, "image")
    cells = (float(number_of(event, "time")), "Warning" if failed else "Normal", action, f"{kind}/{name}", message)
    return Row(
        key=f"{event.get('timeNano')}-{index}",
        cells=cells,
        tone=Tone.WARNING if failed else Tone.DIM,
        name=f"{kind}/{name}",
        kind="Event",
    )
