"""The manifests of roles and their bindings that `kubectl create` makes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbcontainer.errors import UsageError
from nbcontainer.model.created import Object

GROUP = "rbac.authorization.k8s.io"


def rules(verbs: Sequence[str], grouped: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[Object]:
    """A rule for each API group.

    Args:
        verbs: what may be done.
        grouped: the resources of each group.
        names: with which objects alone.

    Raises:
        UsageError: no verb is given.
    """
    if not verbs or not grouped:
        raise UsageError("A role needs `--verb` and `--resource`.", cure="Such as `--verb=get,list --resource=pods`.")
    named = {"resourceNames": list(names)} if names else {}
    return [
        {"verbs": _all_or(verbs), "apiGroups": [group], "resources": list(grouped[group]), **named}
        for group in sorted(grouped)
    ]


def url_rules(verbs: Sequence[str], urls: Sequence[str]) -> list[Object]:
    """The rule for paths of the API server; none without paths."""
    return [{"verbs": _all_or(verbs), "nonResourceURLs": list(urls)}] if urls else []


def _all_or(verbs: Sequence[str]) -> list[str]:
    return ["*"] if "*" in verbs else list(dict.fromkeys(verbs))


def check_cluster_role(
    verbs: Sequence[str], resources: Sequence[str], urls: Sequence[str], aggregation: Mapping[str, str] | None
) -> None:
    """Refuse what makes no ClusterRole.

    Raises:
        UsageError: rules and an aggregation are given, or neither.
    """
    if aggregation and (verbs or resources or urls):
        raise UsageError("A ClusterRole has either rules of its own or `--aggregation-rule`.")
    if not aggregation and not (verbs and (resources or urls)):
        raise UsageError(
            "A ClusterRole needs `--verb` with `--resource` or `--non-resource-url`.",
            cure="Such as `--verb=get,list --resource=nodes`.",
        )


def role(name: str, rules: Sequence[Object]) -> Object:
    """A Role."""
    return {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": {"name": name}, "rules": list(rules)}


def cluster_role(name: str, rules: Sequence[Object], aggregation: Mapping[str, str] | None) -> Object:
    """A ClusterRole."""
    made = role(name, rules) | {"kind": "ClusterRole"}
    if aggregation:
        made |= {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": dict(aggregation)}]}, "rules": None}
    return made


def subjects(users: Sequence[str], groups: Sequence[str], accounts: Sequence[str]) -> list[Object]:
    """Who has a role.

    Raises:
        UsageError: a ServiceAccount is not NAMESPACE:NAME.
    """
    found: list[Object] = [{"kind": "User", "apiGroup": GROUP, "name": user} for user in users]
    found += [{"kind": "Group", "apiGroup": GROUP, "name": group} for group in groups]
    for account in accounts:
        namespace, _, name = account.partition(":")
        if not namespace or not name or ":" in name:
            raise UsageError(f"`--serviceaccount` is NAMESPACE:NAME, not {account!r}.")
        found.append({"kind": "ServiceAccount", "name": name, "namespace": namespace})
    return found


def role_binding(name: str, role: str, cluster_role: str, subjects: Sequence[Object]) -> Object:
    """A RoleBinding.

    Raises:
        UsageError: not exactly one role is given.
    """
    if bool(role) == bool(cluster_role):
        raise UsageError("Which role? Give either `--role` or `--clusterrole`.")
    reference = ("Role", role) if role else ("ClusterRole", cluster_role)
    return _binding("RoleBinding", name, *reference, subjects)


def cluster_role_binding(name: str, cluster_role: str, subjects: Sequence[Object]) -> Object:
    """A ClusterRoleBinding."""
    return _binding("ClusterRoleBinding", name, "ClusterRole", cluster_role, subjects)


def _binding(kind: str, name: str, role_kind: str, role: str, subjects: Sequence[Object]) -> Object:
    made: Object = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}}
    made |= {"roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role}}
    return made | ({"subjects": list(subjects)} if subjects else {})
