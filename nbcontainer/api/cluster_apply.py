"""The verbs of a cluster's handle that apply and compare manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from nbcontainer import clusters, engines, identity
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.plans import Plan, several
from nbcontainer.call_arguments import same_arguments
from nbcontainer.errors import Unsupported, UsageError
from nbcontainer.model.changes import Changes
from nbcontainer.model.source_map import SourceMap
from nbcontainer.operation import Operation
from nbcontainer.pods_backend import place_of_pods
from nbcontainer.protection import changes_unless, guard_later, reads

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.manifest_files import Source
    from nbcontainer.clusters.resources import Comparison
    from nbcontainer.model.changes import ChangeDone, ChangesUnderWay


class ApplyVerbs(ClusterHandle):
    """What applies manifests, and what shows the differences that this would make."""

    @changes_unless("dry_run")
    def apply(
        self,
        text: object = "",
        *,
        filename: Sequence[str] = (),
        recursive: bool = False,
        kustomize: str = "",
        dry_run: bool = False,
        force_conflicts: bool = False,
        prune: bool = False,
        source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
    ) -> Changes:
        """Apply YAML on the server: each object is created or changed. `.diff` of the result says what is different.

        All objects are tried in a dry run first: if one of them is refused, nothing is changed. Namespaces are applied
        first, then custom resource definitions, and then the others in their order. New objects get the notebook's
        label. An object in a different namespace from the one given to this cluster is an error.

        Args:
            text: one or more YAML documents; or one or more objects of the kubernetes package, such as a `V1Pod` with
                its `api_version` and `kind` set.
            filename: files, URLs or folders with manifests, in place of a text; "-" is the text.
            recursive: also the folders within folders.
            kustomize: a folder with a kustomization, in place of a text.
            dry_run: only show what would be done.
            force_conflicts: take over fields managed by others.
            prune: delete what this notebook has applied before and is not among these manifests.
            source_map: maps the text's lines to the lines of the user's own text, for errors.

        Raises:
            UsageError: the text is not YAML, or not an object; with the line of the user's own text. Or a file cannot
                be read.
            Conflict: a field is managed by others; the error names them, with both values.
            ApiError: the API server refuses an object.
        """
        result = self._plan(_given(locals()), dry_run=dry_run).do()
        return result if isinstance(result, Changes) else result.result()

    @changes_unless("dry_run")
    @same_arguments(apply)
    def plan_apply(self, **given: Any) -> Plan[Changes | Operation[ChangeDone, ChangesUnderWay, Changes]]:
        """What `apply` would do with the same arguments: `preview` has the differences, `changes` what is pruned."""
        return self._plan(given, dry_run=given["dry_run"])

    @reads
    def diff(
        self,
        text: object = "",
        *,
        filename: Sequence[str] = (),
        recursive: bool = False,
        kustomize: str = "",
        force_conflicts: bool = False,
        prune: bool = False,
        source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
    ) -> Changes:
        """What `apply` with the same arguments would change, by a dry run on the server; raises as `apply`."""
        given = _given(locals())
        return self._comparison(self.connect_to_cluster("a dry run"), given, verb="diff").changes

    def _plan(
        self, given: Mapping[str, Any], *, dry_run: bool
    ) -> Plan[Changes | Operation[ChangeDone, ChangesUnderWay, Changes]]:
        backend = self.connect()
        if isinstance(backend, engines.pods_backend.PodmanPods):
            return Plan("", (), partial(self._apply_to_podman, backend, given, dry_run=dry_run))
        assert isinstance(backend, clusters.pods_backend.ClusterPods)  # noqa: S101 - there are only these two
        comparison = self._comparison(backend.cluster, given)
        if dry_run:
            return Plan("", (), lambda: comparison.changes)
        check = guard_later(place_of_pods(backend), self.context)

        def do() -> Operation[ChangeDone, ChangesUnderWay, Changes]:
            check()
            return comparison.apply()

        gone = tuple(one.word for one in comparison.doomed)
        question = f"Apply, and delete {several('object', gone)} which this notebook applied before?" if gone else ""
        return Plan(question, gone, do, preview=comparison.changes)

    def _comparison(self, cluster: Cluster, given: Mapping[str, Any], verb: str = "apply") -> Comparison:
        options = clusters.resources.Options(
            own_namespace=bool(self.namespace),
            force_conflicts=given["force_conflicts"],
            labels={identity.NOTEBOOK_LABEL: identity.notebook_id()},
            prune=given["prune"],
            source=_source_words(given),
            verb=verb,
        )
        return clusters.resources.compare(cluster, clusters.manifest_files.parse_sources(_sources(given)), options)

    def _apply_to_podman(
        self, backend: engines.pods_backend.PodmanPods, given: Mapping[str, Any], *, dry_run: bool
    ) -> Changes:
        if given["prune"]:
            raise Unsupported("pruning", backend.where, cure="`%kpod delete` removes its pods.")
        sources = _sources(given)
        return Changes(
            backend.apply(
                "\n---\n".join(source.text for source in sources),
                namespace=self.namespace,
                dry_run=dry_run,
                force_conflicts=given["force_conflicts"],
                source_map=sources[0].lines,
            )
        )


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say what is applied, and how."""
    return {name: value for name, value in arguments.items() if name not in {"self", "dry_run"}}


def _sources(given: Mapping[str, Any]) -> list[Source]:
    """The texts of a call.

    Raises:
        UsageError: none is given, or more than one kind of them.
    """
    text, files, folder = given["text"], list(given["filename"]), given["kustomize"]
    text = text if isinstance(text, str) else clusters.kubernetes_client.manifests_of(text)
    if files == ["-"]:
        files = []
    if sum(map(bool, (text.strip(), files, folder))) > 1:
        raise UsageError(
            "Give either a text, or `--filename`, or `--kustomize`.", cure="Only one of them can be applied at a time."
        )
    if folder:
        return [clusters.manifest_files.kustomized(folder)]
    if files:
        return clusters.manifest_files.read_sources(files, recursive=given["recursive"])
    if not text:
        raise UsageError(
            "There is nothing to apply.", cure="Write manifests below %%kube apply, or name a file with `--filename`."
        )
    return [clusters.manifest_files.Source("", text, given["source_map"])]


def _source_words(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The flags that name the text in kubectl's command."""
    if given["kustomize"]:
        return ("-k", given["kustomize"])
    files = [word for name in given["filename"] for word in ("-f", name)] or ["-f", "-"]
    return (*files, *(["-R"] if given["recursive"] else []))
