"""What the user may do, and who it is: questions that the API server answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import find_resource
from nbcontainer.errors import UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, value_of, words_of
from nbcontainer.model.permissions import Permission
from nbcontainer.model.results import Description
from nbcontainer.model.tables import Column, Row, Table, TableState

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
COLUMNS = (Column("RESOURCES"), Column("NON-RESOURCE URLS"), Column("RESOURCE NAMES"), Column("VERBS"))


def can_i(cluster: Cluster, verb: str, what: str, *, subresource: str = "", all_namespaces: bool = False) -> Permission:
    """Whether the user may do something.

    Args:
        cluster: the cluster, in the namespace of the question.
        verb: "get", "delete", or "*" for all.
        what: a kind, KIND/NAME, or the path of a URL: "/healthz".
        subresource: such as "log".
        all_namespaces: whether in all namespaces.

    Raises:
        UsageError: the cluster has no such kind.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    return cluster.run(ask_permission(cluster, verb, what, subresource=subresource, everywhere=all_namespaces))


async def ask_permission(
    cluster: Cluster, verb: str, what: str, *, subresource: str = "", everywhere: bool = False
) -> Permission:
    """`can_i`, on the background loop."""
    kind, _, name = what.partition("/")
    where = cluster.context
    if what.startswith("/"):
        spec: dict[str, object] = {"nonResourceAttributes": {"verb": verb, "path": what}}
        said = f"{verb} {what}"
    else:
        group, plural, namespaced = "*", "*", True
        if kind != "*":
            resource = await find_resource(cluster, kind)
            group, plural, namespaced = resource.group, resource.plural, resource.namespaced
        namespace = "" if everywhere or not namespaced else cluster.namespace
        where = cluster.where if namespace else cluster.context
        attributes = {"verb": verb, "group": group, "resource": plural, "namespace": namespace}
        attributes |= {"name": name, "subresource": subresource}
        spec = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
        place = f"in {namespace}" if namespace else "in all namespaces" if namespaced else ""
        said = " ".join(filter(None, (verb, "/".join(filter(None, (plural, name, subresource))), place)))
    answer = await cluster.request("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", body={"spec": spec})
    words = ["auth", "can-i", verb, what, *([f"--subresource={subresource}"] if subresource else [])]
    words += ["-A"] if everywhere else []
    command = cluster.commands.kubectl(*words, namespace="" if everywhere else None)
    is_allowed = value_of(answer, "status", "allowed") is True
    return Permission(is_allowed, said, text_of(answer, "status", "reason"), where, command)


def rules(cluster: Cluster) -> Table:
    """What the user may do in the namespace: a row for each rule.

    Raises:
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    body = {"spec": {"namespace": cluster.namespace}}
    answer = cluster.call("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", body=body)
    found = [
        *((_resources(rule), "", rule) for rule in entries_of(answer, "status", "resourceRules")),
        *(
            ("", ", ".join(words_of(rule, "nonResourceURLs")), rule)
            for rule in entries_of(answer, "status", "nonResourceRules")
        ),
    ]
    rows = {
        str(index): Row(
            str(index), (resources, urls, ", ".join(words_of(rule, "resourceNames")), " ".join(words_of(rule, "verbs")))
        )
        for index, (resources, urls, rule) in enumerate(found)
    }
    is_whole = value_of(answer, "status", "incomplete") is not True
    note = "" if is_whole else "The API server does not know all rules."
    state = TableState("what this user may do", cluster.where, note, COLUMNS, rows)
    return Table(state, cluster.commands.kubectl("auth", "can-i", "--list"))


def _resources(rule: JsonObject) -> str:
    groups = words_of(rule, "apiGroups") or [""]
    return ", ".join(f"{one}.{group}" if group else one for one in words_of(rule, "resources") for group in groups)


def who_am_i(cluster: Cluster) -> Description:
    """The user that the API server takes the caller for.

    Raises:
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = cluster.call("POST", REVIEWS, body=review)
    user = object_of(answer, "status", "userInfo")
    name = text_of(user, "username")
    if not name:
        raise UsageError("The API server does not say who this user is.")
    extra = tuple((key, ", ".join(words_of(user, "extra", key))) for key in object_of(user, "extra"))
    facts = [("Username", name), ("UID", text_of(user, "uid")), ("Groups", "\n".join(words_of(user, "groups")))]
    return Description(
        "User",
        name,
        where=cluster.context,
        sections=(("", tuple(fact for fact in facts if fact[1])), *((("Extra", extra),) if extra else ())),
        command=cluster.commands.kubectl("auth", "whoami", namespace=""),
    )
