"""Creating objects of which kubectl makes the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcontainer.clusters.discovery import Resource, find_kind, find_resource
from nbcontainer.clusters.http import FIELD_MANAGER
from nbcontainer.clusters.secret_values import hide
from nbcontainer.errors import ApiError, UsageError
from nbcontainer.json_objects import text_of
from nbcontainer.kubernetes_yaml.printing import as_yaml
from nbcontainer.model.changes import Change
from nbcontainer.model.created_fields import with_empty_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nbcontainer.clusters.connection import Cluster

DRY_RUNS = ("", "client", "server")
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "Namespace", "PriorityClass"}  # of what is made here
CRON_JOBS = Resource("cronjobs", "CronJob", "batch")


def cron_job(cluster: Cluster, source: str) -> Mapping[str, Any]:
    """The CronJob that "cronjob/NAME" names.

    Raises:
        UsageError: it is not of that form.
        NotFound: there is no such CronJob.
    """
    kind, _, name = source.partition("/")
    if kind not in {"cronjob", "cronjobs", "cj"} or not name:
        raise UsageError(f"`--from` is cronjob/NAME, not {source!r}.")
    return cluster.call("GET", CRON_JOBS.path(cluster.namespace, name))


def grouped(cluster: Cluster, resources: Sequence[str]) -> dict[str, list[str]]:
    """Kinds in any of kubectl's spellings by their API group, for the rules of a role; "*" and "pods/log", too.

    Raises:
        UsageError: the cluster has no such kind.
    """
    if "*" in resources:
        return {"": ["*"]}
    found: dict[str, list[str]] = {}
    for word in dict.fromkeys(resources):
        kind, slash, part = word.partition("/")
        resource = cluster.run(find_resource(cluster, kind))
        found.setdefault(resource.group, []).append(f"{resource.plural}{slash}{part}")
    return found


def create(
    cluster: Cluster, manifest: Mapping[str, Any], words: Sequence[str], labels: Mapping[str, str], dry_run: str
) -> Change:
    """Create an object; a client's dry run sends nothing.

    Args:
        cluster: the cluster, in the object's namespace.
        manifest: the object.
        words: the equivalent kubectl command; the last may be "--" and a command.
        labels: are added to the object's own, unless nothing is sent.
        dry_run: "", "client" or "server".

    Raises:
        UsageError: there is no such dry run.
        Conflict: the object exists already.
        ApiError: the API server refuses it.
    """
    if dry_run not in DRY_RUNS:
        raise UsageError(f'`--dry-run` is "client" or "server", not {dry_run!r}.')
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    own = manifest["metadata"].get("labels", {})
    metadata = {**manifest["metadata"], **({"labels": {**own, **labels}} if dry_run != "client" else {})}
    sent, uid = {**manifest, "metadata": metadata}, ""
    namespace = "" if kind in CLUSTER_WIDE else cluster.namespace
    if dry_run != "client":
        resource = cluster.run(find_kind(cluster, manifest["apiVersion"], kind))
        if resource is None:
            raise ApiError(f"The cluster has no {manifest['apiVersion']} {kind}.")
        parameters = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        parameters |= {"dryRun": "All"} if dry_run else {}
        uid = text_of(
            cluster.call("POST", resource.path(namespace), parameters=parameters, body=sent), "metadata", "uid"
        )
    command = cluster.commands.kubectl(*words, namespace=namespace)
    where = cluster.where if namespace else cluster.context
    status = f"{dry_run} dry run" if dry_run else ""
    return Change(kind, name, namespace, "created", status, uid, where, command, hide(sent))


def printed(changes: Iterable[Change], namespace: str) -> str:
    """What was created, as kubectl prints it; `namespace` is the one that the call names, "" for none."""
    shown = (with_empty_fields(one.manifest, namespace if one.namespace else "") for one in changes)
    return "---\n".join(map(as_yaml, shown))
