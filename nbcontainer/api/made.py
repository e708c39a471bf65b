"""What this notebook made in the engine and the cluster in use: listed, and removed.

Containers, volumes, networks, pods and objects of a cluster have the notebook's label; images are in its ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer import clusters, engines, ledger
from nbcontainer.api.cluster import Cluster
from nbcontainer.api.engine import Engine
from nbcontainer.api.plans import Plan, some_of
from nbcontainer.errors import ClusterUnavailable, EngineUnavailable, NbcontainerError, NotFound, Stopped
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.json_objects import text_of
from nbcontainer.model.references import familiar
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, Tone, apply_table
from nbcontainer.model.timestamps import seconds_of
from nbcontainer.pods_backend import place_of_pods
from nbcontainer.protection import changes, reads

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as ConnectedEngine
    from nbcontainer.model.images import ImageFacts

COLUMNS = (Column("KIND"), Column("NAME"), Column("WHERE"), Column("CREATED", "age"))
COPIED = {"Endpoints"}  # a controller makes these from a Service, with its labels but without an owner


@dataclass(frozen=True)
class _Made:
    """One thing that this notebook made."""

    kind: str
    name: str
    where: str
    created: float | None = None

    @property
    def word(self) -> str:
        """What names it in a question: "volume/data"."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class _Group:
    """Things that are removed by one call."""

    things: tuple[_Made, ...]
    remove: Callable[[], object]


@reads
def made(*, engine: str = "", context: str = "") -> Table:
    """The table of what this notebook made, earlier kernels included, and what is still there.

    The label `nbcontainer.notebook` marks everything but images; the images that it built are written down in the
    user's data folder. What something else made from it, such as a Deployment's pods, is not listed.

    Args:
        engine: a docker context, an address or "podman"; "" for the engine in use, if one is running.
        context: the kubeconfig's context; "" for the cluster in use, if there is one.

    Raises:
        EngineUnavailable: the named engine does not answer.
        ClusterUnavailable: the named cluster does not answer.
    """
    groups, missed = _look(engine, context)
    rows = tuple(
        Row(f"{one.where} {one.word}", (one.kind, one.name, one.where, one.created), name=one.name, kind=one.kind)
        for group in groups
        for one in group.things
    )
    reset = TableReset(COLUMNS, rows, "made by this notebook", notebook_id(), note=" ".join(missed))
    return Table(apply_table(TableState(), reset))


@changes
def clean(*, engine: str = "", context: str = "") -> Report:
    """Remove what this notebook made: everything that `made` lists, with the contents of volumes and namespaces.

    Args:
        engine: as for `made`.
        context: as for `made`.

    Raises:
        NbcontainerError: something could not be removed; the rest was.
        Protected: the engine or the cluster is protected and not named.
    """
    return plan_clean(engine=engine, context=context).do()


@changes
def plan_clean(*, engine: str = "", context: str = "") -> Plan[Report]:
    """What `clean` would do; raises as `made`, and Protected."""
    groups, missed = _look(engine, context)
    names = tuple(one.word for group in groups for one in group.things)
    listed = some_of(names)
    what = listed if len(names) == 1 else f"{len(names)} things that this notebook made: {listed}"
    question = " ".join((f"Remove {what}?", *missed)) if names else ""
    nothing = " ".join(("Nothing that this notebook made is left.", *missed))
    return Plan(question, names, partial(_remove, groups, nothing), nothing=nothing)


def _remove(groups: Sequence[_Group], nothing: str) -> Report:
    removed: list[str] = []
    errors: list[NbcontainerError] = []
    for group in groups:
        try:
            group.remove()
        except NotFound:  # it went with something else
            pass
        except Stopped:
            raise
        except NbcontainerError as error:
            errors.append(error)
            continue
        removed += [one.word for one in group.things]
    if errors:
        said = " ".join(error.message for error in errors)
        raise errors[0].replaced(message=f"{said} Removed: {', '.join(removed) or 'nothing'}.") from errors[0]
    return Report(tuple(Remark(f"{word} removed") for word in removed) or (Remark(nothing, Tone.DIM),))


def _look(engine: str, context: str) -> tuple[list[_Group], list[str]]:
    """What there is, in an order in which it can be removed; and in words, where nobody could look."""
    found: list[_Group] = []
    missed = []
    try:
        handle = Cluster(context)
        found += _in_cluster(handle if context else handle.at_hand())
    except (ClusterUnavailable, EngineUnavailable) as error:
        if context:
            raise
        if getattr(error, "context", ""):  # otherwise there is none, which is not worth a word
            missed.append(error.message)
    try:
        holder = Engine(engine) if engine else Engine().at_hand()
        found += _in_engine(holder) if holder else []
    except EngineUnavailable as error:
        if engine:
            raise
        missed.append(error.message)
    return [group for group in found if group.things], list(dict.fromkeys(missed))


def _in_cluster(handle: Cluster) -> list[_Group]:
    backend = handle.connect()
    if not isinstance(backend, clusters.pods_backend.ClusterPods):
        pods = handle.at(backend).pods
        names = pods.list(selector=f"{NOTEBOOK_LABEL}={notebook_id()}").names
        made_here = tuple(_Made("pod", name, backend.where) for name in names)
        return [_Group(made_here, lambda: pods.delete(*names).result())]
    cluster = backend.cluster
    things, targets = [], []
    for resource, found in cluster.run(clusters.pruning.list_labelled(cluster, {NOTEBOOK_LABEL: notebook_id()}, [""])):
        if resource.kind in COPIED:
            continue
        name, namespace, uid = (text_of(found, "metadata", key) for key in ("name", "namespace", "uid"))
        created = seconds_of(text_of(found, "metadata", "creationTimestamp"))
        where = " · ".join(filter(None, (cluster.context, namespace)))
        things.append(_Made(resource.qualified_kind, name, where, created))
        targets.append(clusters.deletion.ObjectReference(resource, namespace, name, uid))

    def remove() -> None:
        handle.guard(place_of_pods(backend))
        clusters.deletion.delete_objects(cluster, targets).result()

    return [_Group(tuple(things), changes(remove))]


def _in_engine(handle: Engine) -> list[_Group]:
    connected = handle.connect()
    fixed, label = handle.at(connected), f"label={NOTEBOOK_LABEL}={notebook_id()}"
    tables = (
        ("container", fixed.containers.list(all=True, filters=[label]), _removal_of_containers(fixed)),
        ("network", fixed.networks.list(filters=[label]), fixed.networks.remove),
        ("volume", fixed.volumes.list(filters=[label]), fixed.volumes.remove),
    )
    groups = [
        _Group((_Made(kind, row.name, connected.name, _created(table, row)),), partial(remove, row.name))
        for kind, table, remove in tables
        for row in table
    ]
    return groups + _images(connected)


def _removal_of_containers(engine: Engine) -> Callable[[str], Report]:
    return partial(engine.containers.remove, force=True, volumes=True)


def _created(table: Table, row: Row) -> float | None:
    """The time in its column "CREATED", if it has one."""
    place = next((at for at, column in enumerate(table.state.columns) if column.name == "CREATED"), None)
    value = None if place is None else row.cells[place]
    return float(value) if isinstance(value, int | float) else None


def _images(engine: ConnectedEngine) -> list[_Group]:
    """The images of the ledger that this engine still has, by the names that their builds gave them."""
    there = {image.id: image for image in engines.images.list_images(engine, every=True)}
    built = [(one, there[one.id]) for one in ledger.built_images() if one.engine == engine.address and one.id in there]
    return [
        _Group((_Made("image", name, engine.name, image.created),), partial(_remove_image, engine, one, name))
        for one, image in built
        for name in _names_given(one, image)
    ]


def _names_given(built: ledger.BuiltImage, image: ImageFacts) -> Sequence[str]:
    """The names of an image that its build gave it, or its id if it has none: another name is somebody else's."""
    given = {familiar(tag) for tag in built.tags}
    return [tag for tag in image.tags if tag in given] if image.tags else [image.short_id]


def _remove_image(engine: ConnectedEngine, built: ledger.BuiltImage, name: str) -> None:
    engines.images.remove(engine, name)
    if not any(image.id == built.id for image in engines.images.list_images(engine, every=True)):
        ledger.forget_images([built])
