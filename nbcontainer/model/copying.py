"""Files that are copied to or from a pod: the request, events, state and result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nbcontainer.drawn import Drawn
from nbcontainer.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """A file or a folder to copy.

    Attributes:
        pod: the pod, or what has pods: "deploy/web".
        path: its path in the container.
        local: its path on this machine.
        upload: whether it is copied to the pod.
        image: of a container for debugging, whose tar is used in place of the container's own; "" for its own.
    """

    pod: str
    path: str
    local: str
    upload: bool
    namespace: str = ""
    container: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class CopyStep:
    """How much has been copied so far, what was left out, and how it has ended."""

    files: int = 0
    size: int = 0
    note: str = ""
    outcome: Outcome = Outcome.RUNNING


@dataclass(frozen=True, slots=True)
class Copying:
    """A copy at a moment: `files` and bytes so far, and what was left out."""

    source: str
    target: str
    where: str = ""
    files: int = 0
    size: int = 0
    notes: tuple[str, ...] = ()
    outcome: Outcome = Outcome.RUNNING


def apply_copy_step(state: Copying, event: CopyStep) -> Copying:
    """Fold one event into the state."""
    notes = (*state.notes, event.note)[:20] if event.note else state.notes
    return replace(
        state,
        files=max(state.files, event.files),
        size=max(state.size, event.size),
        notes=notes,
        outcome=event.outcome or state.outcome,
    )


@dataclass(frozen=True)
class CopyResult(Drawn):
    """A copy that is done.

    Attributes:
        path: where it is now.
        files: how many files were copied.
        size: their bytes.
        notes: what was left out, and why.
    """

    path: str
    files: int
    size: int
    notes: tuple[str, ...] = ()
    command: str = ""
    state: Copying | None = None

    def __repr__(self) -> str:
        """Where it is, and what was left out."""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"CopyResult({self.path}, {self.files} file{'s' * (self.files != 1)}, {self.size:,} bytes{notes})"
