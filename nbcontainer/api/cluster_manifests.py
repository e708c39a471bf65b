"""Objects of a cluster in full: `nbc.cluster().manifests("deploy", "web")`."""

from __future__ import annotations

from nbcontainer import clusters, engines
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.model.manifests import Manifests
from nbcontainer.model.table_request import TableRequest
from nbcontainer.protection import reads


class ManifestVerbs(ClusterHandle):
    """What reads whole objects."""

    @reads
    def manifests(
        self,
        kind: str,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        sort_by: str = "",
        output: str = "yaml",
        show_secrets: bool = False,
    ) -> Manifests:
        """Objects in full, as text and as dictionaries: `nbc.cluster().manifests("deploy", "web").objects[0]["spec"]`.

        Args:
            kind: a kind, as for `get`.
            *names: only these objects.
            all_namespaces: objects in all namespaces.
            selector: a label selector, such as "app=web".
            field_selector: a field selector, such as "metadata.name=web".
            sort_by: a JSONPath, such as ".metadata.name"; "" for the API server's order.
            output: the format of the text: "yaml", "json" or "jsonpath=TEMPLATE", each as kubectl prints it.
            show_secrets: include the values of Secrets, which are replaced by "hidden" otherwise. A notebook is saved
                without them in any case.

        Raises:
            UsageError: the format is not valid; or as for `get`.
            NotFound: one of `names` does not exist, or the namespace.
            Unsupported: there is only Podman, and the kind is not pods; Podman's pods are as `podman kube generate` has
                them, without a status.
        """
        backend = self.connect()
        if isinstance(backend, engines.pods_backend.PodmanPods):
            which = TableRequest(selector=selector, field_selector=field_selector)
            found = backend.manifests((kind, *names), **which)
            generate = ["kube", "generate", *(one["metadata"]["name"] for one in found)] if found else ["pod", "ps"]
            return clusters.manifests.printed(
                found,
                output,
                command=backend.engine.commands.podman(*generate),
                is_one=len(names) == 1 or "/" in kind,
                sort_by=sort_by,
            )
        return clusters.manifests.manifests(
            self.connect_to_cluster(f"-o {output.partition('=')[0]}"),
            (kind, *names),
            output=output,
            show_secrets=show_secrets,
            sort_by=sort_by,
            all_namespaces=all_namespaces,
            selector=selector,
            field_selector=field_selector,
        )
