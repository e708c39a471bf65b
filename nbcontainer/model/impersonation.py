"""Whom calls to a cluster impersonate, as kubectl's `--as`, `--as-group` and `--as-uid` have it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Impersonation:
    """A user, groups and a uid; each that is empty is as the kubeconfig has it.

    See https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/.
    """

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of kubectl and of `%kube` that say the same."""
        user = (f"--as={self.user}",) if self.user else ()
        uid = (f"--as-uid={self.uid}",) if self.uid else ()
        return (*user, *(f"--as-group={group}" for group in self.groups), *uid)


NOBODY_ELSE = Impersonation()
