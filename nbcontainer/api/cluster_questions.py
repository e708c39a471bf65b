"""What a cluster has, what its fields mean, and what the user may do there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.errors import UsageError
from nbcontainer.model.explanations import Explanation
from nbcontainer.model.permissions import Permission
from nbcontainer.model.results import Description
from nbcontainer.model.tables import Table
from nbcontainer.protection import reads

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster


class Permissions:
    """What the user may do: `nbc.cluster().auth`."""

    def __init__(self, handle: ClusterHandle) -> None:
        self._handle = handle

    def __repr__(self) -> str:
        """The call that returns it."""
        return f"{self._handle!r}.auth"

    @reads
    def can_i(
        self,
        verb: str = "",
        kind: str = "",
        *,
        list: bool = False,  # noqa: A002 - kubectl's own flag
        subresource: str = "",
        all_namespaces: bool = False,
    ) -> Permission | Table:
        """Whether the user may do something: `if nbc.cluster().auth.can_i("delete", "pods"): …`.

        Args:
            verb: "get", "delete", or "*" for all.
            kind: a kind in any of kubectl's spellings, KIND/NAME, or the path of a URL.
            list: return a table of all that the user may do in the namespace, instead.
            subresource: a part of the kind, such as "log".
            all_namespaces: ask about all namespaces.

        Raises:
            UsageError: verb or kind is missing, or the cluster has no such kind.
            Unsupported: there is only Podman.
        """
        if not list and not (verb and kind):
            raise UsageError("May you do what?", cure="Name a verb and a kind, such as delete pods; or give `--list`.")
        cluster = self._connect()
        if list:
            return clusters.permissions.rules(cluster)
        return clusters.permissions.can_i(cluster, verb, kind, subresource=subresource, all_namespaces=all_namespaces)

    @reads
    def who_am_i(self) -> Description:
        """The user that the API server takes the caller for, with its groups.

        Raises:
            Unsupported: there is only Podman.
        """
        return clusters.permissions.who_am_i(self._connect())

    def _connect(self) -> Cluster:
        return self._handle.connect_to_cluster("auth")


class QuestionVerbs(ClusterHandle):
    """What asks the cluster about itself."""

    @cached_property
    def auth(self) -> Permissions:
        """What the user may do."""
        return Permissions(self)

    @reads
    def explain(self, path: str, *, recursive: bool = False, api_version: str = "") -> Explanation:
        """What a kind or a field of it is: `nbc.cluster().explain("deploy.spec.strategy")`.

        Args:
            path: a kind in any of kubectl's spellings, and a field of it.
            recursive: list all fields below it, without their descriptions.
            api_version: another version of the kind, such as "autoscaling/v1".

        Raises:
            UsageError: there is no such kind or field; the error suggests a similar one.
            NotFound: the API server does not document the kind.
            Unsupported: there is only Podman.
        """
        return clusters.explain.explain(
            self.connect_to_cluster("explain"), path, recursive=recursive, api_version=api_version
        )

    @reads
    def api_resources(
        self,
        *,
        api_group: str | None = None,
        namespaced: bool | None = None,
        verbs: Sequence[str] = (),
        categories: Sequence[str] = (),
    ) -> Table:
        """The kinds that the cluster serves, with their short names.

        Args:
            api_group: only those of a group; "" for the core one.
            namespaced: only those whose objects are in namespaces, or only the others.
            verbs: only those that can be called with these verbs, such as "list".
            categories: only those in these categories, such as "all".

        Raises:
            Unsupported: there is only Podman.
        """
        return clusters.kinds.api_resources(
            self.connect_to_cluster("api-resources"),
            group=api_group,
            namespaced=namespaced,
            verbs=_several(verbs),
            categories=_several(categories),
        )


def _several(given: Sequence[str]) -> Sequence[str]:
    """The words of a flag that may be repeated and have commas."""
    return [word for each in given for word in each.split(",") if word]
