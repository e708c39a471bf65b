"""Registries: log in and out, with docker's names."""

from __future__ import annotations

from nbcontainer import engines
from nbcontainer.api.nouns import EngineNoun
from nbcontainer.errors import NbcontainerError
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Tone
from nbcontainer.protection import reads

__all__ = ["Registries"]


class Registries(EngineNoun):
    """The registries that one engine pushes to and pulls from."""

    @reads
    def login(self, registry: str = "", *, username: str, password: str) -> Report:
        """Check a user and password with a registry, and keep them as docker does.

        The engine asks the registry, for it knows its own insecure ones; where it does not answer, we ask directly.

        Args:
            registry: the registry's host; "" is Docker Hub.
            username: the user's name.
            password: password or access token.

        Raises:
            AuthFailed: the registry does not accept them; nothing is kept.
        """
        try:
            engine = self._engine.connect()
        except NbcontainerError:
            engine = None
        result = engines.registries.login(registry, username, password, engine=engine)
        said = f"Logged in to {result.host} as {result.username}; kept in {result.stored}."
        return Report((Remark(said),), result.command)

    @reads
    def logout(self, registry: str = "") -> Report:
        """Forget the credentials of a registry.

        Args:
            registry: the registry's host; "" is Docker Hub.
        """
        shown = registry or "Docker Hub"
        if engines.registries.logout(registry):
            said = Remark(f"Logged out of {shown}.")
        else:
            said = Remark(f"There were no credentials for {shown}.", Tone.DIM)
        command = engines.config.configured_commands().docker("logout", *([registry] if registry else []))
        return Report((said,), command)
