"""Creating roles, and binding them to users, groups and ServiceAccounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from nbcontainer import clusters, model
from nbcontainer.api.cluster_creator import Creator, Preview, creates
from nbcontainer.model.changes import Change
from nbcontainer.model.commands import pairs
from nbcontainer.model.manifests import Manifests


class CreateAccess(Creator):
    """Creating what says who may do what."""

    @creates
    def role(
        self,
        name: str,
        verbs: Sequence[str],
        resources: Sequence[str],
        *,
        resource_names: Sequence[str] = (),
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Role: what may be done with which kinds in the namespace.

        Args:
            name: its name.
            verbs: what may be done: "get", "list", "watch", "create", "update", "patch", "delete"; "*" for all.
            resources: with which kinds, in any of kubectl's spellings: "pods", "deployments.apps", "pods/log".
            resource_names: with which objects alone; all if none is named.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: the cluster has no such kind.
        """
        verbs, resources, resource_names = map(_separated, (verbs, resources, resource_names))
        rules = self._rules(verbs, resources, resource_names)
        words = _role_words(verbs, resources, resource_names)
        return self._create(model.created_access.role(name, rules), ["create", "role", name, *words], **how)

    @creates
    def clusterrole(
        self,
        name: str,
        *,
        verbs: Sequence[str] = (),
        resources: Sequence[str] = (),
        resource_names: Sequence[str] = (),
        non_resource_urls: Sequence[str] = (),
        aggregation_rule: Mapping[str, str] | None = None,
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a ClusterRole: what may be done in all namespaces, and with what is in none.

        Args:
            name: its name.
            verbs: as for `role`.
            resources: likewise.
            resource_names: likewise.
            non_resource_urls: paths of the API server, such as "/healthz".
            aggregation_rule: labels of ClusterRoles whose rules it has, in place of its own.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: the cluster has no such kind, or what is needed is not given.
        """
        verbs, resources, resource_names = map(_separated, (verbs, resources, resource_names))
        non_resource_urls = _separated(non_resource_urls)
        model.created_access.check_cluster_role(verbs, resources, non_resource_urls, aggregation_rule)
        rules = self._rules(verbs, resources, resource_names) if resources else []
        rules += model.created_access.url_rules(verbs, non_resource_urls)
        made = model.created_access.cluster_role(name, rules, aggregation_rule)
        words = _role_words(verbs, resources, resource_names)
        words += [f"--non-resource-url={url}" for url in non_resource_urls]
        words += pairs("--aggregation-rule", aggregation_rule or {})
        return self._create(made, ["create", "clusterrole", name, *words], **how)

    @creates
    def rolebinding(
        self,
        name: str,
        *,
        role: str = "",
        clusterrole: str = "",
        users: Sequence[str] = (),
        groups: Sequence[str] = (),
        serviceaccounts: Sequence[str] = (),
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a RoleBinding: who has a role in the namespace.

        Args:
            name: its name.
            role: the Role.
            clusterrole: a ClusterRole in its place.
            users: the users who have it.
            groups: the groups who have it.
            serviceaccounts: "NAMESPACE:NAME" of the ServiceAccounts that have it.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: not exactly one of `role` and `clusterrole` is given, or a ServiceAccount is not of that form.
        """
        subjects = model.created_access.subjects(users, groups, serviceaccounts)
        made = model.created_access.role_binding(name, role, clusterrole, subjects)
        words = [f"--role={role}"] if role else [f"--clusterrole={clusterrole}"]
        words += _subject_words(users, groups, serviceaccounts)
        return self._create(made, ["create", "rolebinding", name, *words], **how)

    @creates
    def clusterrolebinding(
        self,
        name: str,
        clusterrole: str,
        *,
        users: Sequence[str] = (),
        groups: Sequence[str] = (),
        serviceaccounts: Sequence[str] = (),
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a ClusterRoleBinding: who has a role everywhere.

        Args:
            name: its name.
            clusterrole: the ClusterRole.
            users: the users who have it.
            groups: the groups who have it.
            serviceaccounts: "NAMESPACE:NAME" of the ServiceAccounts that have it.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a ServiceAccount is not of that form.
        """
        subjects = model.created_access.subjects(users, groups, serviceaccounts)
        made = model.created_access.cluster_role_binding(name, clusterrole, subjects)
        words = [f"--clusterrole={clusterrole}", *_subject_words(users, groups, serviceaccounts)]
        return self._create(made, ["create", "clusterrolebinding", name, *words], **how)

    def _rules(
        self, verbs: Sequence[str], resources: Sequence[str], names: Sequence[str]
    ) -> list[model.created.Object]:
        """A rule for each API group of the resources."""
        cluster = self._cluster.connect_to_cluster("create")
        return model.created_access.rules(verbs, clusters.creation.grouped(cluster, resources), names)


def _separated(words: Sequence[str]) -> list[str]:
    """Words of which some are several, as kubectl takes them: "get,list"."""
    return [one for word in words for one in word.split(",") if one]


def _role_words(verbs: Sequence[str], resources: Sequence[str], names: Sequence[str]) -> list[str]:
    words = [f"--verb={verb}" for verb in verbs] + [f"--resource={resource}" for resource in resources]
    return words + [f"--resource-name={name}" for name in names]


def _subject_words(users: Sequence[str], groups: Sequence[str], accounts: Sequence[str]) -> list[str]:
    words = [f"--user={user}" for user in users] + [f"--group={group}" for group in groups]
    return words + [f"--serviceaccount={account}" for account in accounts]
