"""The fields of a kubeconfig, as in kubectl's own types.

Source: k8s.io/client-go/tools/clientcmd/api/v1/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nbcontainer.clusters.schema import key


@dataclass(frozen=True)
class Extension:
    """Data that another program keeps in the file."""

    name: str = ""
    extension: object = field(default=None, repr=False)


@dataclass(frozen=True)
class Cluster:
    """Where an API server is, and how to verify it."""

    server: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    certificate_authority_data: bytes = field(default=b"", repr=False)
    proxy_url: str = field(default="", repr=False)
    disable_compression: bool = False
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True)
class EnvironmentVariable:
    """An environment variable for an exec plugin."""

    name: str = ""
    value: str = field(default="", repr=False)


@dataclass(frozen=True)
class ExecPlugin:
    """A program that provides credentials."""

    command: str = ""
    args: tuple[str, ...] = field(default=(), repr=False)
    env: tuple[EnvironmentVariable, ...] = ()
    api_version: str = key("apiVersion", "")
    install_hint: str = key("installHint", "")
    provide_cluster_info: bool = key("provideClusterInfo", default=False)
    interactive_mode: str = key("interactiveMode", "")


@dataclass(frozen=True)
class AuthProvider:
    """The older source of credentials: built into the client."""

    name: str = ""
    config: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class User:
    """Credentials, and the user to impersonate."""

    client_certificate: str = ""
    client_certificate_data: bytes = field(default=b"", repr=False)
    client_key: str = ""
    client_key_data: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    token_file: str = key("tokenFile", "")
    impersonate: str = key("as", "")
    impersonate_uid: str = key("as-uid", "")
    impersonate_groups: tuple[str, ...] = key("as-groups", default=())
    impersonate_extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, metadata={"key": "as-user-extra"})
    username: str = ""
    password: str = field(default="", repr=False)
    auth_provider: AuthProvider | None = None
    exec: ExecPlugin | None = None
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True)
class Context:
    """A cluster, a user, and a namespace."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True)
class NamedCluster:
    """An entry of `clusters`."""

    name: str = ""
    cluster: Cluster = field(default_factory=Cluster)


@dataclass(frozen=True)
class NamedUser:
    """An entry of `users`."""

    name: str = ""
    user: User = field(default_factory=User)


@dataclass(frozen=True)
class NamedContext:
    """An entry of `contexts`."""

    name: str = ""
    context: Context = field(default_factory=Context)


@dataclass(frozen=True)
class Preferences:
    """Fields that kubectl now ignores; a wrong type in them is still an error."""

    colors: bool = False
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True)
class Config:
    """A whole file."""

    kind: str = ""
    api_version: str = key("apiVersion", "")
    clusters: tuple[NamedCluster, ...] = ()
    users: tuple[NamedUser, ...] = ()
    contexts: tuple[NamedContext, ...] = ()
    current_context: str = ""
    preferences: Preferences = field(default_factory=Preferences)
    extensions: tuple[Extension, ...] = ()
