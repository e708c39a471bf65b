"""Images and their way to and from a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.drawn import Drawn
from nbcontainer.model.outcome import Outcome

SHORT_ID = 12


@dataclass(frozen=True)
class ImageFacts:
    """What an engine knows about an image.

    Attributes:
        id: the digest of its configuration, "sha256:…".
        tags: its names with their tags, in docker's short form.
        digests: its names with their digests in the registries.
        created: when, in seconds since the epoch; 0 where the engine does not say.
        size: its bytes in the engine's store.
        platform: such as "linux/amd64"; "" in a list, where the engine does not say.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    created: float = 0.0
    size: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""

    @property
    def short_id(self) -> str:
        """The beginning of the id, as docker shows it."""
        return self.id.removeprefix("sha256:")[:SHORT_ID]


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer on its way. `status` is the engine's word, such as "Pushing" or "Layer already exists"."""

    id: str
    status: str = ""
    current: int = 0
    total: int = 0
    done: bool = False
    skipped: bool = False  # the receiver had it already


@dataclass(frozen=True, slots=True)
class TransferStarted:
    """A push or a pull starts. `direction` is "push" or "pull"."""

    direction: str
    image: str
    host: str
    engine: str = ""
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerProgress:
    """A layer made progress."""

    layer: LayerState


@dataclass(frozen=True, slots=True)
class TransferNote:
    """A remark that belongs to no layer: of the engine ("The push refers to repository …"), or our own warning."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class ImageTransferred:
    """All layers and the manifest have arrived."""

    digest: str
    size: int = 0
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """It ended without success; `reason` says why."""

    outcome: Outcome
    reason: str = ""
    time: float = 0.0


TransferEvent = TransferStarted | LayerProgress | TransferNote | ImageTransferred | TransferEnded


@dataclass(frozen=True, slots=True)
class TransferState:
    """The state of a push or a pull.

    Attributes:
        notes: what the engine remarked; `warnings` are those of ours, of a login that could not be used.
        outcome: how it ended; `reason` says why it is not done.
        ended: when it ended, whatever the outcome.
    """

    direction: str = "push"
    image: str = ""
    host: str = ""
    engine: str = ""
    started: float = 0.0
    layers: Mapping[str, LayerState] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    digest: str = ""
    size: int = 0
    outcome: Outcome = Outcome.RUNNING
    reason: str = ""
    ended: float | None = None


def apply_transfer(state: TransferState, event: TransferEvent) -> TransferState:
    """Fold one event into a push's or a pull's state."""
    match event:
        case TransferStarted():
            return replace(
                state,
                direction=event.direction,
                image=event.image,
                host=event.host,
                engine=event.engine,
                started=event.time,
            )
        case LayerProgress():
            return replace(state, layers={**state.layers, event.layer.id: event.layer})
        case TransferNote():
            warnings = (*state.warnings, event.text) if event.is_warning else state.warnings
            return replace(state, notes=(*state.notes, event.text)[-50:], warnings=warnings[-50:])
        case ImageTransferred():
            return replace(
                state,
                digest=event.digest,
                size=event.size or state.size,
                ended=event.time,
                outcome=Outcome.DONE,
            )
        case TransferEnded():
            return replace(state, outcome=event.outcome, reason=event.reason, ended=event.time)


@dataclass(frozen=True)
class TransferResult(Drawn):
    """A finished push or pull."""

    image: str
    digest: str
    size: int
    seconds: float
    state: TransferState
    command: str = ""

    def __repr__(self) -> str:
        """Which image, and its digest."""
        return f"TransferResult({self.image}, {self.digest[:19]})"
