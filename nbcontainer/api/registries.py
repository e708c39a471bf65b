"""Registries: log in and log out."""

from __future__ import annotations

from nbcontainer import engines
from nbcontainer.api.nouns import EngineNoun
from nbcontainer.errors import NbcontainerError
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Tone
from nbcontainer.protection import reads


class Registries(EngineNoun):
    """The registries that one engine pushes to and pulls from."""

    @reads
    def login(self, registry: str = "", *, username: str, password: str) -> Report:
        """Log in to a registry, and store the credentials the way docker does.

        The engine asks the registry, since it knows which ones it treats as insecure; if it does not answer,
        nbcontainer asks the registry directly.

        Args:
            registry: the registry's host; "" is Docker Hub.
            username: the user's name.
            password: the password or an access token.

        Raises:
            AuthFailed: the registry does not accept them; nothing is stored.
        """
        try:
            engine = self._engine.connect()
        except NbcontainerError:
            engine = None
        result = engines.registries.login(registry, username, password, engine=engine)
        said = f"Logged in to {result.host} as {result.username}; credentials stored in {result.stored}."
        return Report((Remark(said),), result.command)

    @reads
    def logout(self, registry: str = "") -> Report:
        """Remove the stored credentials of a registry.

        Args:
            registry: the registry's host; "" is Docker Hub.
        """
        shown = registry or "Docker Hub"
        if engines.registries.logout(registry):
            said = Remark(f"Logged out of {shown}.")
        else:
            said = Remark(f"There were no stored credentials for {shown}.", Tone.DIM)
        command = engines.config.configured_commands().docker("logout", *([registry] if registry else []))
        return Report((said,), command)
