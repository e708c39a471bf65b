"""An object of any kind, as its table shows it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.errors import UsageError
from nbcontainer.model.results import Described, Description
from nbcontainer.model.tables import Cell

if TYPE_CHECKING:
    from nbcontainer.api.cluster import Cluster
    from nbcontainer.api.forwarding import PortForward
    from nbcontainer.model.changes import Change, Changes
    from nbcontainer.model.deletion import Deletion, ObjectEnd
    from nbcontainer.model.object_trees import ObjectTree
    from nbcontainer.model.results import Report
    from nbcontainer.model.rollout import Rollouts, RolloutStep
    from nbcontainer.model.secrecy import Manifest
    from nbcontainer.model.tables import Table
    from nbcontainer.model.timelines import Timeline
    from nbcontainer.model.waiting import ObjectSeen, Wait, Waited
    from nbcontainer.model.why import Diagnosis
    from nbcontainer.operation import Operation


@dataclass(frozen=True, repr=False)
class ApiObject(Described):
    """An object of a cluster as the table showed it: a deployment, a node, a custom resource.

    Attributes:
        facts: its row of the table, by the column's name in lower case: "ready", "status" …; an age is its start time,
            in seconds since the epoch.
        command: the command that shows it, for a terminal.
        kind: as in a manifest: "Deployment".
    """

    name: str
    namespace: str = ""
    facts: Mapping[str, Cell] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    command: str = ""
    kind: str = ""
    _cluster: ClusterHandle | None = field(default=None, repr=False, compare=False)
    _word: str = field(default="", repr=False, compare=False)

    def __repr__(self) -> str:
        """Which object."""
        return f"{self.kind or type(self).__name__}({self.name!r})"

    def manifest(self, *, show_secrets: bool = False) -> Manifest:
        """The whole object, as the API server has it now; a Secret without its values, unless they are asked for.

        Raises:
            NotFound: it no longer exists.
            Unsupported: it is a pod of Podman's.
        """
        found = self._its_cluster.manifests(self._word, self.name, output="json", show_secrets=show_secrets)
        return found.objects[0]

    def describe(self) -> Description:
        """Its current details, with its events; raises as `Cluster.describe`."""
        found = self._its_cluster.describe(self._word, self.name)
        return found if isinstance(found, Description) else found[0]

    def delete(
        self, *, force: bool = False, grace_period: int | None = None, cascade: str = "background"
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        """Delete it, and wait until it is gone; takes the arguments of `Cluster.delete`, and raises the same errors."""
        return self._its_cluster.delete(self._word, self.name, force=force, grace_period=grace_period, cascade=cascade)

    def patch(self, patch: object, *, type: str = "strategic", dry_run: bool = False) -> Change:  # noqa: A002 - kubectl's
        """Change some of its fields: `table["web"].patch({"spec": {"replicas": 3}})`; raises as `Cluster.patch`."""
        return self._its_cluster.patch(self._word, self.name, patch=patch, type=type, dry_run=dry_run)

    def label(self, *labels: str, overwrite: bool = False, dry_run: bool = False) -> Changes | Report:
        """Set and remove labels: `table["web"].label("env=prod", "tier-")`; raises as `Cluster.label`."""
        return self._its_cluster.label(self._word, self.name, *labels, overwrite=overwrite, dry_run=dry_run)

    def annotate(self, *annotations: str, overwrite: bool = False, dry_run: bool = False) -> Changes | Report:
        """Set and remove annotations, as `label` does labels."""
        return self._its_cluster.annotate(self._word, self.name, *annotations, overwrite=overwrite, dry_run=dry_run)

    def wait(self, until: str, *, timeout: float = 30.0) -> Operation[ObjectSeen, Wait, Waited]:
        """Wait until it is as wanted, such as "condition=Ready"; raises as `Cluster.wait`."""
        return self._its_cluster.wait(self._word, self.name, until=until, timeout=timeout)

    def events(self) -> Table:
        """Its events, newest last; raises as `Cluster.events`."""
        return self._its_cluster.events(f"{self._word}/{self.name}")

    def port_forward(self, *ports: int | str, address: str = "127.0.0.1", timeout: float = 60.0) -> PortForward:
        """Forward its ports to this machine: `with table["web"].port_forward(80) as port:`.

        Takes the arguments of `Cluster.port_forward`, and raises the same errors.
        """
        return self._its_cluster.port_forward(f"{self._word}/{self.name}", *ports, address=address, timeout=timeout)

    def why(self) -> Diagnosis:
        """Why it is not well, down to its pods; raises as `Cluster.why`."""
        return self._its_cluster.why(self._word, self.name)

    def timeline(self) -> Timeline:
        """What happened to it and its pods over time; raises as `Cluster.timeline`."""
        return self._its_cluster.timeline(self._word, self.name)

    def tree(self) -> ObjectTree:
        """Its owners and what it owns; raises as `Cluster.tree`."""
        return self._its_cluster.tree(self._word, self.name)

    def scale(
        self, replicas: int, *, current_replicas: int | None = None, wait: bool = True, timeout: float = 0.0
    ) -> Changes | Operation[RolloutStep, Rollouts, Changes]:
        """Say how many pods it is to have: `table["web"].scale(3).result()`; raises as `Cluster.scale`."""
        return self._its_cluster.scale(
            self._word,
            self.name,
            replicas=replicas,
            current_replicas=current_replicas,
            wait=wait,
            timeout=timeout,
        )

    def restart(self) -> Changes:
        """Replace all its pods, a few at a time; raises as `Cluster.rollout.restart`."""
        return self._its_cluster.rollout.restart(self._word, self.name)

    def rollout_status(self, *, timeout: float = 0.0) -> Operation[RolloutStep, Rollouts, Changes]:
        """Wait until it is rolled out; raises as `Cluster.rollout.status`."""
        return self._its_cluster.rollout.status(self._word, self.name, timeout=timeout)

    def undo(self, *, to_revision: int = 0, dry_run: bool = False) -> Changes:
        """Go back to an earlier revision of it; raises as `Cluster.rollout.undo`."""
        return self._its_cluster.rollout.undo(self._word, self.name, to_revision=to_revision, dry_run=dry_run)

    @property
    def _its_cluster(self) -> Cluster:
        if self._cluster is None:
            raise UsageError(f"This is a record of {self.kind or 'the object'} {self.name}, without its cluster.")
        return cast("Cluster", self._cluster)

    def description(self) -> Description:
        """Its row of the table."""
        shown = (_shown(name, value) for name, value in self.facts.items() if value not in {None, "", "<none>"})
        sections = [
            ("", tuple(fact for fact in shown if fact[0] not in {"Name", "Namespace"})),
            ("Labels", tuple(sorted(self.labels.items()))),
        ]
        return Description(
            self.kind,
            self.name,
            self.namespace,
            self.where,
            tuple((title, facts) for title, facts in sections if facts),
            command=self.command,
        )


def _shown(column: str, value: Cell) -> tuple[str, str]:
    if column == "age" and isinstance(value, float):
        return "Created", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value))
    return ("IP" if column == "ip" else column.capitalize()), str(value)
