"""What can be done with objects of any kind, besides listing and applying them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nbcontainer import clusters, existence
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.plans import Plan
from nbcontainer.call_arguments import same_arguments
from nbcontainer.errors import NbcontainerError, NotFound, UsageError
from nbcontainer.model.changes import Changes
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.requests import grace_period_of, refuse_negative
from nbcontainer.model.results import Description, Objects
from nbcontainer.model.source_map import SourceMap
from nbcontainer.operation import Operation
from nbcontainer.protection import changes, place_of_cluster, reads

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.deletion_plan import Doomed
    from nbcontainer.clusters.manifest_files import Source
    from nbcontainer.model.deletion import Deletion, ObjectEnd
    from nbcontainer.model.object_trees import ObjectTree
    from nbcontainer.model.timelines import Timeline
    from nbcontainer.model.waiting import ObjectSeen, Wait, Waited
    from nbcontainer.model.why import Diagnosis

LINES_OF_A_TIMELINE = 2_000  # of each container's log


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

    @reads
    def tree(self, kind: str, name: str = "") -> ObjectTree:
        """An object with its owners and what it owns, each with its status: `nbc.cluster().tree("deploy/web")`.

        Args:
            kind: the object's kind, or "deploy/web".
            name: its name, after a kind.

        Raises:
            UsageError: no object is named, or the cluster has no such kind.
            NotFound: there is no such object.
            Unsupported: there is only Podman.
        """
        words = (kind, name) if name else (kind,)
        return clusters.trees.tree(self.connect_to_cluster("tree"), words)

    @reads
    def why(self, kind: str = "", name: str = "") -> Diagnosis:
        """Why an object is not well, with the evidence and what to do next: `nbc.cluster().why("svc/web").reason`.

        It is true if anything is wrong. Of a Service, a workload, a Job or an Ingress it goes down to the pods.

        Args:
            kind: the object's kind, or "svc/web"; "" for all that is wrong in the namespace, worst first.
            name: its name, after a kind.

        Raises:
            UsageError: the cluster has no such kind.
            NotFound: there is no such object, or namespace.
            Unsupported: there is only Podman.
        """
        cluster = self.connect_to_cluster("why")
        if not kind:
            return clusters.why.survey.survey(cluster)
        return clusters.why.objects.diagnose(cluster, (kind, name) if name else (kind,))

    @reads
    def timeline(self, kind: str, name: str = "", *, tail: int = LINES_OF_A_TIMELINE) -> Timeline:
        """What happened to a pod, or to a workload and its pods, over time: `nbc.cluster().timeline("deploy/web")`.

        States of pods and containers, restarts, events, revisions, and how many lines the pods logged. An API server
        keeps events for an hour, and of each container only its state and the one before.

        Args:
            kind: the object's kind, or "deploy/web".
            name: its name, after a kind.
            tail: how many last lines of each container's log are counted; 0 for none.

        Raises:
            UsageError: no object is named, or the cluster has no such kind.
            NotFound: there is no such object.
            Unsupported: there is only Podman.
        """
        refuse_negative(tail=tail)
        cluster = self.connect_to_cluster("timeline")
        found = clusters.timelines.timeline(cluster, (kind, name) if name else (kind,))
        if not tail or not found.pods:
            return found
        request = LogRequest(tuple(f"pod/{pod}" for pod in found.pods), all_containers=True, tail=tail, timestamps=True)
        try:
            return replace(found, lines=clusters.logs.logs(cluster, request).result().chart())
        except NbcontainerError:  # nothing was logged yet, or the user may not read logs
            return found

    @reads
    def wait(
        self,
        kind: str,
        *names: str,
        until: str,
        selector: str = "",
        field_selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        all_namespaces: bool = False,
        timeout: float = 30.0,
    ) -> Operation[ObjectSeen, Wait, Waited]:
        """Wait until objects are as wanted: `nbc.cluster().wait("pod", "web", until="condition=Ready").result()`.

        Args:
            kind: a kind in any of kubectl's spellings, several, or one object: "pod", "pod/web".
            *names: their names. After a "pod/web", each has its kind too.
            until: what to wait for: "condition=Ready", "condition=Ready=false", "delete", "create",
                "jsonpath={.status.phase}=Running", or "jsonpath={.status.loadBalancer}" for any value.
            selector: the objects that have these labels when it begins, instead of names.
            field_selector: those with these fields.
            all: all objects of the kind in the namespace.
            all_namespaces: with a selector or `all`: in all namespaces.
            timeout: seconds after which it fails; 0 to look only once, negative for never.

        Raises (also from `result()`):
            UsageError: `until` is not valid, or not exactly one of names, a selector and `all` is given.
            NotFound: an object does not exist, or none were found.
            ApiError: they were not as wanted in time; `reason` is "Timeout".
        """
        return clusters.waiting.wait(
            self.connect_to_cluster("wait"),
            (kind, *names),
            until,
            selector=selector,
            field_selector=field_selector,
            everything=all,
            all_namespaces=all_namespaces,
            timeout=timeout,
        )

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
        now: bool = False,
        cascade: str = "background",
        ignore_not_found: bool = False,
        wait: bool = True,
        filename: Sequence[str] = (),
        recursive: bool = False,
        kustomize: str = "",
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
            now: give each pod one second to shut down.
            cascade: what happens to the objects that they own: "background" removes them afterwards, "foreground"
                before, "orphan" keeps them.
            ignore_not_found: leave out what does not exist.
            wait: whether to wait until they are gone.
            filename: files, URLs or folders with manifests whose objects are deleted, in place of a kind and names.
            recursive: with `filename`: also the folders within folders.
            kustomize: a folder with a kustomization, likewise.
            text: YAML, likewise.
            source_map: maps the text's lines to the lines of the user's own text, for errors.

        Raises (also from `result()`):
            NotFound: an object does not exist, and nothing is deleted; or no objects were found.
            UsageError: not exactly one of `names`, `selector`, `all` and `text` is given.
            ApiError: some deletions were refused; the error says which objects were deleted nevertheless.
        """
        return self._plan_deletion(**{name: value for name, value in locals().items() if name != "self"}).do()

    @changes
    @same_arguments(delete)
    def plan_delete(self, **given: Any) -> Plan[Operation[ObjectEnd, Deletion, Changes]]:
        """What `delete` would do with the same arguments: `changes` also has what goes with the objects."""
        return self._plan_deletion(**given)

    def _plan_deletion(
        self, *, kind: str, names: Sequence[str], all_namespaces: bool, selector: str, **given: Any
    ) -> Plan[Operation[ObjectEnd, Deletion, Changes]]:
        cluster = self.connect_to_cluster("delete")
        options = {name: given[name] for name in ("force", "cascade", "wait")}
        options["grace_period"] = grace_period_of(now=given["now"], grace_period=given["grace_period"])
        if options["cascade"] not in (known := clusters.deletion.CASCADES):
            raise UsageError(f"`--cascade` takes one of {', '.join(known)}, not {options['cascade']!r}.")
        sources = _sources(given)
        if bool(kind) == bool(sources):
            raise UsageError("Delete what?", cure="Name a kind and objects, or give YAML, but not both.")
        found = clusters.deletion_plan.doomed(
            cluster,
            (kind, *names),
            selector=selector,
            everything_there=given["all"],
            all_namespaces=all_namespaces,
            ignore_not_found=given["ignore_not_found"],
            sources=sources,
        )
        is_wide = all_namespaces or not any(target.namespace for target in found.targets)
        where = cluster.context if found.targets and is_wide else cluster.where
        return Plan(
            found.question(where, cascade=options["cascade"], force=options["force"]) if found.targets else "",
            found.names if options["cascade"] != "orphan" else found.names[: len(found.targets)],
            partial(self._delete, cluster, found, options),
            nothing=existence.no_objects(kind or "object", where, condition=f"with {selector}" if selector else ""),
        )

    @changes
    def _delete(
        self, cluster: Cluster, found: Doomed, options: Mapping[str, Any]
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        self.guard(place_of_cluster(cluster))
        if not found.targets:
            raise NotFound(existence.no_objects("object", cluster.where), reason="not found")
        return clusters.deletion.delete_objects(cluster, found.targets, **options)


def _sources(given: Mapping[str, Any]) -> list[Source]:
    """The texts whose objects a call deletes."""
    files = clusters.manifest_files
    found = files.read_sources([name for name in given["filename"] if name != "-"], recursive=given["recursive"])
    found += [files.kustomized(given["kustomize"])] if given["kustomize"] else []
    return [*found, *([files.Source("", given["text"], given["source_map"])] if given["text"] else [])]
