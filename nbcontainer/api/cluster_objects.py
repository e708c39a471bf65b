"""What can be done with objects of any kind, besides listing and applying them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nbcontainer import clusters, existence
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.plans import Plan
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.model.changes import Changes
from nbcontainer.model.requests import refuse_negative
from nbcontainer.model.results import Description, Objects
from nbcontainer.model.source_map import SourceMap
from nbcontainer.operation import Operation
from nbcontainer.protection import changes, place_of_cluster, reads

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.deletion_plan import Doomed
    from nbcontainer.model.deletion import Deletion, ObjectEnd

CASCADES = ("background", "foreground", "orphan")


class ObjectVerbs(ClusterHandle):
    """The verbs of a cluster's objects of any kind."""

    @reads
    def describe(
        self, kind: str, *names: str, selector: str = "", all_namespaces: bool = False
    ) -> Description | Objects[Description]:
        """The details of objects, with their owners, what uses them, and their events, newest last.

        The values of Secrets are never shown.

        Args:
            kind: a kind in any of kubectl's spellings, several, or one object: "deploy", "deploy,svc", "deploy/web".
            *names: only these objects; none for all. After a "deploy/web", each has its kind too.
            selector: a label selector, such as "app=web", instead of names.
            all_namespaces: objects in all namespaces, instead of names.

        Raises:
            UsageError: the cluster has no such kind; the error suggests a similar one.
            NotFound: one of `names` does not exist, or the namespace.
            Forbidden: the user may not read them.
            Unsupported: there is only Podman, which has pods alone.
        """
        cluster = self.connect_to_cluster("describe")
        found = clusters.describe.describe_objects(
            cluster, (kind, *names), selector=selector, all_namespaces=all_namespaces
        )
        one = len(found) == 1 and (len(names) == 1 or "/" in kind)
        return found[0] if one else Objects(found)

    @changes
    def delete(
        self,
        kind: str = "",
        *names: str,
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        all_namespaces: bool = False,
        force: bool = False,
        grace_period: int | None = None,
        cascade: str = "background",
        ignore_not_found: bool = False,
        wait: bool = True,
        text: str = "",
        source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        """Delete objects of any kind, and wait until they are gone: `nbc.cluster().delete("deploy", "web").result()`.

        What an object owns goes with it, as a Deployment's pods do; so does what is in a namespace. The state of the
        operation says which finalizer holds an object that does not go.

        Args:
            kind: a kind in any of kubectl's spellings, several, or one object: "deploy", "deploy,svc", "deploy/web".
            *names: their names. After a "deploy/web", each has its kind too.
            selector: objects with these labels, instead of names.
            all: all objects of the kind in the namespace, instead of names.
            all_namespaces: with `selector` or `all`: in all namespaces.
            force: kill pods immediately, without waiting for the node to confirm it.
            grace_period: seconds to shut down gracefully; None for each pod's own setting.
            cascade: what happens to the objects that they own: "background" removes them afterwards, "foreground"
                before, "orphan" keeps them.
            ignore_not_found: leave out what does not exist.
            wait: whether to wait until they are gone.
            text: YAML whose objects are deleted, in place of a kind and names.
            source_map: maps the text's lines to the lines of the user's own text, for errors.

        Raises (also from `result()`):
            NotFound: an object does not exist, and nothing is deleted; or no objects were found.
            UsageError: not exactly one of `names`, `selector`, `all` and `text` is given.
            ApiError: some deletions were refused; the error says which objects were deleted nevertheless.
        """
        plan = self.plan_delete(
            kind,
            *names,
            selector=selector,
            all=all,
            all_namespaces=all_namespaces,
            force=force,
            grace_period=grace_period,
            cascade=cascade,
            ignore_not_found=ignore_not_found,
            wait=wait,
            text=text,
            source_map=source_map,
        )
        return plan.do()

    @changes
    def plan_delete(
        self,
        kind: str = "",
        *names: str,
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        all_namespaces: bool = False,
        force: bool = False,
        grace_period: int | None = None,
        cascade: str = "background",
        ignore_not_found: bool = False,
        wait: bool = True,
        text: str = "",
        source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
    ) -> Plan[Operation[ObjectEnd, Deletion, Changes]]:
        """What `delete` would do with the same arguments: `changes` also has what goes with the objects."""
        refuse_negative(grace_period=grace_period)
        if cascade not in CASCADES:
            raise UsageError(f"`--cascade` takes one of {', '.join(CASCADES)}, not {cascade!r}.")
        if bool(kind) == bool(text):
            raise UsageError("Delete what?", cure="Name a kind and objects, or give YAML, but not both.")
        cluster = self.connect_to_cluster("delete")
        found = clusters.deletion_plan.doomed(
            cluster,
            (kind, *names),
            selector=selector,
            everything_there=all,
            all_namespaces=all_namespaces,
            ignore_not_found=ignore_not_found,
            text=text,
            source_map=source_map,
        )
        is_wide = all_namespaces or not any(target.namespace for target in found.targets)
        where = cluster.context if found.targets and is_wide else cluster.where
        condition = f"with {selector}" if selector else ""
        return Plan(
            found.question(where, cascade=cascade, force=force) if found.targets else "",
            found.names if cascade != "orphan" else found.names[: len(found.targets)],
            partial(self._delete, cluster, found, force=force, grace_period=grace_period, cascade=cascade, wait=wait),
            nothing=existence.no_objects(kind or "object", where, condition=condition),
        )

    @changes
    def _delete(
        self,
        cluster: Cluster,
        found: Doomed,
        *,
        force: bool,
        grace_period: int | None,
        cascade: str,
        wait: bool,
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        self.guard(place_of_cluster(cluster))
        if not found.targets:
            raise NotFound(existence.no_objects("object", cluster.where), reason="not found")
        return clusters.deletion.delete_objects(
            cluster, found.targets, force=force, grace_period=grace_period, cascade=cascade, wait=wait
        )
