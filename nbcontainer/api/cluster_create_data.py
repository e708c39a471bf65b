"""Creating what holds data: ConfigMaps and Secrets; and ServiceAccounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Unpack

from nbcontainer import model
from nbcontainer.api.cluster_creator import Creator, Preview, creates
from nbcontainer.errors import UsageError
from nbcontainer.model.changes import Change
from nbcontainer.model.commands import pairs
from nbcontainer.model.manifests import Manifests

DOCKER_HUB = "https://index.docker.io/v1/"


class CreateData(Creator):
    """Creating what holds data."""

    @creates
    def configmap(
        self,
        name: str,
        *,
        literals: Mapping[str, str] | None = None,
        files: Sequence[str] = (),
        env_files: Sequence[str] = (),
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a ConfigMap.

        Args:
            name: its name.
            literals: values by key.
            files: "FILE", "KEY=FILE", or a folder whose files are taken; the key is the file's name.
            env_files: files of lines KEY=VALUE.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a file cannot be read, or a key is invalid or given twice.
        """
        self._cluster.connect_to_cluster("create")  # a protected cluster refuses before files are read
        made = model.created_data.config_map(name, model.created_data.contents(literals or {}, files, env_files))
        words = [*pairs("--from-literal", literals or {}), *_file_words(files, env_files)]
        return self._create(made, ["create", "configmap", name, *words], **how)

    @creates
    def secret(
        self,
        name: str,
        *,
        literals: Mapping[str, str] | None = None,
        files: Sequence[str] = (),
        env_files: Sequence[str] = (),
        type: str = "",  # noqa: A002 - kubectl's name
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Secret. Its values are hidden in all that is shown; `command` reads them from its standard input.

        Args:
            name: its name.
            literals: values by key.
            files: "FILE", "KEY=FILE", or a folder whose files are taken; the key is the file's name.
            env_files: files of lines KEY=VALUE.
            type: its type; "Opaque" if it is "".
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a file cannot be read, or a key is invalid or given twice.
        """
        self._cluster.connect_to_cluster("create")
        data = model.created_data.contents(literals or {}, files, env_files)
        words = ["--from-env-file=/dev/stdin"] if literals else []
        words += [*_file_words(files, env_files), *([f"--type={type}"] if type else [])]
        made = model.created_data.secret(name, data, type)
        return self._create(made, ["create", "secret", "generic", name, *words], **how)

    @creates
    def tls_secret(self, name: str, *, cert: str, key: str, **how: Unpack[Preview]) -> Change | Manifests:
        """Create a Secret of a certificate and its private key.

        Args:
            name: its name.
            cert: the file of the certificate, in PEM.
            key: the file of the private key, in PEM.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a file cannot be read, or the key is not the certificate's.
        """
        self._cluster.connect_to_cluster("create")
        made = model.created_data.tls_secret(name, cert, key)
        return self._create(made, ["create", "secret", "tls", name, f"--cert={cert}", f"--key={key}"], **how)

    @creates
    def registry_secret(
        self,
        name: str,
        *,
        username: str,
        password: str,
        server: str = DOCKER_HUB,
        email: str = "",
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Secret by which pods pull images from a registry.

        Args:
            name: its name.
            username: the user's name at the registry.
            password: the user's password; the equivalent command takes it from the variable `password`.
            server: the registry; Docker Hub by default.
            email: the user's address.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: the name or the password is empty.
        """
        if not username or not password:
            raise UsageError("A registry's Secret needs a username and a password.")
        made = model.created_data.registry_secret(name, server, username, password, email)
        words = [f"--docker-server={server}", f"--docker-username={username}"]
        words += [f"--docker-email={email}"] if email else []
        change = self._create(made, ["create", "secret", "docker-registry", name, *words], **how)
        return replace(change, command=f'{change.command} --docker-password="$password"')

    @creates
    def serviceaccount(self, name: str, **how: Unpack[Preview]) -> Change | Manifests:
        """Create a ServiceAccount.

        Args:
            name: its name.
            **how: `dry_run` and `output`, as in the class.
        """
        made = model.created_data.service_account(name)
        return self._create(made, ["create", "serviceaccount", name], **how)


def _file_words(files: Sequence[str], env_files: Sequence[str]) -> list[str]:
    return [*(f"--from-file={file}" for file in files), *(f"--from-env-file={file}" for file in env_files)]
