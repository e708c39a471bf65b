"""What is protected, and which calls may change it: the whole decision, in one place.

What is protected is a place itself, an engine or a cluster: by the name of its context, or else by its address, however
a call was led to it. If DOCKER_HOST, a setting or another context leads to a protected context's address, it leads to
that context. Every public call is marked `changes` or `reads`; once a call that changes or executes something has found
its place, `guard` refuses it unless the call itself names what is protected.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial, wraps
from typing import Literal, ParamSpec, Self, TypeVar

import nbcontainer.clusters
import nbcontainer.engines
from nbcontainer.addresses import canonical, same_engine, same_server, without_password
from nbcontainer.call_arguments import checked
from nbcontainer.errors import ClusterUnavailable, Protected
from nbcontainer.settings import settings

Words = ParamSpec("Words")
Answer = TypeVar("Answer")
PRIVATE = "podman"  # the context of the private Podman
HIDDEN = {  # which variable hides which contexts
    "engine": ("DOCKER_CONFIG", "~/.docker"),
    "buildkitd": ("DOCKER_CONFIG", "~/.docker"),
    "cluster": ("KUBECONFIG", "~/.kube/config"),
}


class Unsaid(str):
    """A context or a builder that the call itself does not name: it selects the place, but does not permit a change."""

    __slots__ = ()


class TableContext(Unsaid):
    """A context as a table names it in the calls that it offers.

    Attributes:
        server: the context's server when the table was made, in `Place.server`'s form; "" where it is not known.
    """

    __slots__ = ("server",)
    server: str

    def __new__(cls, context: str = "", server: str = "") -> Self:
        """The context's name and its server at that time."""
        made = super().__new__(cls, context)
        made.server = server
        return made


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call acts.

    Attributes:
        kind: an engine, a buildkitd, or a cluster.
        context: the docker or kubeconfig context, "podman" for the private Podman, "" where there is only an address.
        address: the engine's, or the API server's.
    """

    kind: Literal["engine", "buildkitd", "cluster"]
    context: str
    address: str

    @property
    def name(self) -> str:
        """Its name for `--context`."""
        return self.context or self.address

    @property
    def server(self) -> str:
        """What distinguishes it from another place of the same name: its address; each kernel has a private Podman.

        It is written into cells, so without a password in the address.
        """
        is_private = (self.kind, self.context) == ("engine", PRIVATE) and not _is_docker_context(PRIVATE)
        return PRIVATE if is_private else without_password(self.address)

    def is_at(self, server: str) -> bool:
        """Whether this is its `server`, however it is written."""
        return server == self.server or _is_same(self.kind, server, self.server)


def place_of_engine(engine: nbcontainer.engines.connection.Engine) -> Place:
    """The place that an engine is."""
    return Place("engine", engine.context, engine.address)


def places_of_builder(builder: str) -> list[Place]:
    """The places where a buildx builder runs what it builds."""
    return [
        Place("engine" if node.is_engine else "buildkitd", node.context, node.address)
        for node in nbcontainer.engines.builders.nodes_of(builder)
    ]


def place_of_cluster(cluster: nbcontainer.clusters.connection.Cluster) -> Place:
    """The place that a cluster is."""
    return Place("cluster", cluster.context, cluster.server)


def refuse_moved(place: Place, said: str) -> None:
    """Refuse a call that a table offered if the table's context now leads to another place.

    Raises:
        ClusterUnavailable: it does.
    """
    if isinstance(said, TableContext) and said.server and not place.is_at(said.server):
        raise ClusterUnavailable(
            f"The table is of {said} at {said.server}, but {said} is now {place.server}: nothing was done.",
            context=said,
        )


# --- what is protected


def protected_as(place: Place) -> Iterator[str]:
    """The names that `place` is protected by, its own first; none where it is not protected."""
    if not settings.protected_contexts:
        return
    if place.context and _matches(place.context):
        yield place.context
    if _matches_address(place):
        yield place.name if place.kind == "cluster" else place.address  # a cluster cannot be named by its address
    for name, address in _known_contexts(place.kind):
        if name != place.context and _matches(name) and _is_same(place.kind, address, place.address):
            yield name


def _matches(name: str) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in settings.protected_contexts)


def _matches_address(place: Place) -> bool:
    spelled = canonical(place.address)
    return _matches(place.address) or any(
        fnmatchcase(spelled, canonical(pattern)) or _is_same(place.kind, place.address, pattern)
        for pattern in settings.protected_contexts
    )


def _is_same(kind: str, one: str, other: str) -> bool:
    return same_server(one, other) if kind == "cluster" else same_engine(one, other)


def _is_docker_context(name: str) -> bool:

    return nbcontainer.engines.config.find_context(name) is not None


def _known_contexts(kind: str) -> Iterator[tuple[str, str]]:
    """All known contexts, each with its address."""
    if kind != "cluster":
        yield from ((context.name, context.address) for context in nbcontainer.engines.config.contexts())
        if not _is_docker_context(PRIVATE):
            yield PRIVATE, nbcontainer.engines.private_podman.private_podman.address
    else:
        yield from nbcontainer.clusters.kubeconfig.servers()


# --- which calls are refused

# a call without a mark counts as one that changes something
_is_changing: ContextVar[bool] = ContextVar("_is_changing", default=True)
_changed: set[Place] = set()


def changes(call: Callable[Words, Answer]) -> Callable[Words, Answer]:
    """Mark a call that changes something where it acts, or executes something there."""
    return _marked(call, changing=True)


def changes_unless(*switches: str) -> Callable[[Callable[Words, Answer]], Callable[Words, Answer]]:
    """Mark a call that changes something unless one of these arguments is true: a dry run."""
    return lambda call: _marked(call, changing=True, switches=switches)


def reads(call: Callable[Words, Answer]) -> Callable[Words, Answer]:
    """Mark a call that only reads."""
    return _marked(call, changing=False)


def diagnoses(call: Callable[Words, Answer]) -> Callable[Words, Answer]:
    """Mark a call that only says what is wrong: it works even if a setting is."""
    return _marked(call, changing=False, needs_settings=False)


def is_marked(call: Callable[..., object]) -> bool | None:
    """Whether a call is marked as one that changes something; None where it has no mark."""
    return getattr(call, "is_changing", None)


def _marked(
    call: Callable[Words, Answer], *, changing: bool, switches: tuple[str, ...] = (), needs_settings: bool = True
) -> Callable[Words, Answer]:
    """Mark a call, and check the types of its arguments and the settings before it does anything."""

    @wraps(call)
    def marked(*words: Words.args, **named: Words.kwargs) -> Answer:
        given, keywords = checked(call, words, named)
        if needs_settings:
            settings.check()
        token = _is_changing.set(changing and not any(map(keywords.get, switches)))
        try:
            return call(*given, **keywords)
        finally:
            _is_changing.reset(token)

    marked.is_changing = changing  # type: ignore[attr-defined]
    return marked


def guard(place: Place, *said: str) -> None:
    """Refuse the call if it would change a protected place that it does not name.

    Args:
        place: where the call acts.
        said: the contexts and addresses that the call itself names, "" for none.

    Raises:
        Protected: it does not name it. A name from a table or a setting, or another context of the same place, does
            not count.
    """
    if not _is_changing.get():
        return
    names = list(protected_as(place))
    if names and not any(_names_one_of(one, names, place.kind) for one in said if one):
        raise _refusal(place, next((name for name in names if _is_context_of(name, place)), names[0]))
    _changed.add(place)


def has_changed_something() -> bool:
    """Whether a call of this process was allowed to change a place."""
    return bool(_changed)


def guard_later(place: Place, *said: str) -> Callable[[], None]:
    """The check that a plan repeats when it is carried out: more may be protected than when it was made."""
    return partial(changes(guard), place, *said)


def _names_one_of(said: str, names: list[str], kind: str) -> bool:
    if isinstance(said, Unsaid):
        return False
    return said in names or (kind != "cluster" and any(same_engine(said, name) for name in names))


def _refusal(place: Place, name: str) -> Protected:
    if name == place.context:
        what = f"The context {name!r} is protected"
    elif name == place.address:
        what = f"The {place.kind} at {name} is protected"
    else:
        what = f"{place.name} is the same {place.kind} as the context {name!r}, which is protected"
    flag = "--builder" if (place.kind, place.address) == ("buildkitd", name) else "--context"
    cure = f"To do it anyway, name it: `{flag}={shlex.quote(name)}`"
    if place.kind == "cluster" and name != place.context:
        cure += ", with `--namespace`, since its namespace may differ"
    if not _is_context_of(name, place):
        variable, file = HIDDEN[place.kind]
        cure = f"{variable} hides {name}, a context of {file}: unset it first. {cure}"
    return Protected(f"{what}, and this call would change it.", context=name, kind=place.kind, cure=cure)


def _is_context_of(name: str, place: Place) -> bool:
    """Whether a call that names it acts at `place`: the environment may hide the context."""
    if name in {place.context, place.address}:
        return True
    if place.kind != "cluster":
        found = nbcontainer.engines.config.find_context(name)
        return name == PRIVATE or (found is not None and same_engine(found.address, place.address))

    known = nbcontainer.clusters.kubeconfig.servers(hidden=False)
    return any(one == name and same_server(server, place.address) for one, server in known)
