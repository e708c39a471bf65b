"""Applies a text to a cluster as `Cluster.apply` does, but in a namespace that no call has named."""

from nbcontainer.clusters.connection import Cluster
from nbcontainer.clusters.resources import Options, compare
from nbcontainer.kubernetes_yaml.manifests import parse_manifests
from nbcontainer.model.changes import Changes
from nbcontainer.model.source_map import SourceMap


def apply(
    cluster: Cluster, text: str, *, source_map: SourceMap | None = None, dry_run: bool = False, **options: object
) -> Changes:
    """What is done to a text's objects, or would be done."""
    manifests = parse_manifests(text, (source_map or SourceMap()).own)
    comparison = compare(cluster, manifests, Options(**options))  # type: ignore[arg-type]
    return comparison.changes if dry_run else comparison.apply().result(60)
