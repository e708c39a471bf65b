"""What can be done with objects of any kind, besides listing and applying them."""

from __future__ import annotations

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.model.results import Description, Objects
from nbcontainer.protection import reads


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
