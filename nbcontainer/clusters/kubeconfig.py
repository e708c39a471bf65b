"""kubeconfig: which API server, and as which user, by kubectl's rules. `kubeconfig_files` reads the files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from nbcontainer.clusters import kubeconfig_schema as schema
from nbcontainer.clusters.kubeconfig_files import Found, Merged, default_path, is_readable, merge, paths, unread_file
from nbcontainer.errors import ClusterUnavailable, UsageError
from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "in-cluster"  # stands for a context's name where a pod uses its own service account
CREATE_HINT = "Put a kubeconfig at ~/.kube/config or name one in KUBECONFIG."
PLUGIN_EXTENSION = "client.authentication.k8s.io/exec"  # the cluster's extension that exec plugins receive


@dataclass(frozen=True)
class Access:
    """One context, resolved: its API server and the credentials for it.

    Attributes:
        user: the kubeconfig's user entry: its tokens, commands and auth providers, never printed.
        folder: the base of relative file names in the user entry.
        origin: the file and the user entry, as errors name them.
        certificate_authority, client_certificate, client_key: PEM, b"" where there is none.
        plugin_config: the cluster entry's configuration for exec plugins.
        in_cluster: whether it is a pod's own service account, not from a kubeconfig.
    """

    context: str
    server: str
    namespace: str = "default"
    certificate_authority: bytes = field(default=b"", repr=False)
    client_certificate: bytes = field(default=b"", repr=False)
    client_key: bytes = field(default=b"", repr=False)
    user: schema.User = field(default_factory=schema.User, repr=False)
    folder: Path = Path()
    origin: str = ""
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str = field(default="", repr=False)
    compress: bool = True
    plugin_config: object = field(default=None, repr=False)
    in_cluster: bool = False

    @property
    def is_tls(self) -> bool:
        """Whether what is sent is encrypted."""
        return self.server.startswith("https:")


def read_access(context: str = "", namespace: str = "", impersonation: Impersonation = NOBODY_ELSE) -> Access:
    """Resolve a context of the kubeconfig, or the pod's own service account inside a cluster.

    Args:
        context: its name, or "" for the current context.
        namespace: overrides the context's own, if not "".
        impersonation: overrides that of the user entry.

    Raises:
        ClusterUnavailable: there is no kubeconfig, no such context, or the context is incomplete.
        UsageError: groups or a uid are to be impersonated, but no user.
    """
    merged = merge(paths())
    if not merged.contexts and context in {"", IN_CLUSTER}:
        inside = _in_cluster(namespace)
        if inside is not None:
            return replace(inside, user=_acting(inside.user, impersonation))
    if not merged.contexts:
        looked = ", ".join(str(path) for path in merged.paths) or "nowhere"
        raise ClusterUnavailable(f"There is no Kubernetes context (looked in {looked}).", cure=CREATE_HINT)
    name = context or merged.current
    known = ", ".join(sorted(merged.contexts))
    if not name:
        raise ClusterUnavailable("The kubeconfig has no current context.", cure=f"Name one of its contexts: {known}.")
    if name not in merged.contexts:
        raise ClusterUnavailable(
            f"The kubeconfig has no context {name!r}.",
            context=name,
            cure=f"It has: {known}.",
        )
    access = _resolve(name, namespace, merged)
    return replace(access, user=_acting(access.user, impersonation))


def _acting(user: schema.User, impersonation: Impersonation) -> schema.User:
    """The user entry with what a call impersonates instead: as in kubectl, each that is given replaces the entry's."""
    if impersonation.flags and not (impersonation.user or user.impersonate):
        raise UsageError("A group or a uid can be impersonated only with a user.", cure="Name one: `--as`")
    return replace(
        user,
        impersonate=impersonation.user or user.impersonate,
        impersonate_groups=impersonation.groups or user.impersonate_groups,
        impersonate_uid=impersonation.uid or user.impersonate_uid,
    )


def contexts() -> tuple[dict[str, str], str]:
    """Every context's name with its namespace, and the current context's name."""
    merged = merge(paths())
    return {name: found.entry.namespace or "default" for name, found in merged.contexts.items()}, merged.current


def files() -> str:
    """The files of the kubeconfig, as KUBECONFIG lists them, valid in any working directory."""
    return os.pathsep.join(str(path.absolute()) for path in paths())


def servers(*, hidden: bool = True) -> list[tuple[str, str]]:
    """Every context's name with its API server's address.

    A context may be incomplete for that, and a file that cannot be read is skipped.

    Args:
        hidden: also include ~/.kube/config where KUBECONFIG names other files.
    """
    found: dict[tuple[str, str], None] = {}
    for listed in (paths(), [default_path()] if hidden else []):
        merged = merge([path for path in listed if is_readable(path)])
        for name, context in merged.contexts.items():
            cluster = merged.clusters.get(context.entry.cluster)
            if cluster is not None:
                found[name, cluster.entry.server] = None
    return list(found)


def _resolve(name: str, namespace: str, merged: Merged) -> Access:
    context = merged.contexts[name].entry
    if context.cluster not in merged.clusters:
        raise merged.contexts[name].wrong(f'there is no cluster "{context.cluster}"', name)
    if context.user and context.user not in merged.users:
        raise merged.contexts[name].wrong(f'there is no user "{context.user}"', name)
    cluster = merged.clusters[context.cluster]
    user = merged.users.get(context.user) or Found("user", "", schema.User(), cluster.path)
    entry = cluster.entry
    return Access(
        context=name,
        server=_server(cluster, name),
        namespace=namespace or context.namespace or "default",
        certificate_authority=_authority(cluster, name),
        client_certificate=_pem(user, "client-certificate", name),
        client_key=_pem(user, "client-key", name),
        user=_checked(user, name),
        folder=user.path.parent,
        origin=user.where,
        insecure=entry.insecure_skip_tls_verify,
        tls_server_name=entry.tls_server_name,
        proxy=_proxy(cluster, name),
        compress=not entry.disable_compression,
        plugin_config=next((one.extension for one in entry.extensions if one.name == PLUGIN_EXTENSION), None),
    )


def _server(cluster: Found[schema.Cluster], context: str) -> str:
    """The API server's URL. As in kubectl, a bare HOST:PORT means http, whatever certificates the entry has."""
    text = cluster.entry.server
    if not text:
        raise cluster.wrong("it has no server", context)
    for url in (text, f"http://{text}"):
        try:
            parts = urlsplit(url)
            valid = bool(parts.hostname) and parts.scheme in {"http", "https"} and parts.port != 0
        except ValueError:
            continue
        if valid and (url == text or parts.path in {"", "/"}):
            if "@" in parts.netloc:  # the password would be shown wherever the server is
                cure = "Move them to username and password in the user entry."
                raise cluster.wrong("server contains a user name or password", context, cure)
            return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    raise cluster.wrong("server must be an http or https URL, or HOST:PORT", context)


def _proxy(cluster: Found[schema.Cluster], context: str) -> str:
    proxy = cluster.entry.proxy_url
    try:
        parts = urlsplit(proxy)
        valid = parts.scheme in {"http", "https", "socks5"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if proxy and not valid:
        raise cluster.wrong("proxy-url must be an http, https or socks5 URL", context)
    return proxy


def _authority(cluster: Found[schema.Cluster], context: str) -> bytes:
    authority = _pem(cluster, "certificate-authority", context)
    if authority and cluster.entry.insecure_skip_tls_verify:
        what = "insecure-skip-tls-verify is true, but there is a certificate-authority to verify with"
        raise cluster.wrong(what, context, "Remove one of them.")
    return authority


def _pem(found: Found[schema.Cluster] | Found[schema.User], key: str, context: str) -> bytes:
    """PEM from `KEY-data`, or from the file that `KEY` names.

    Raises:
        ClusterUnavailable: both are there, which is ambiguous; or the file cannot be read.
    """
    attribute = key.replace("-", "_")
    data: bytes = getattr(found.entry, f"{attribute}_data")
    name: str = getattr(found.entry, attribute)
    if data and name:
        raise found.wrong(f"{key} and {key}-data are both there", context, "Remove one of them.")
    if not name:
        return data
    try:
        return (found.path.parent / name).read_bytes()
    except (OSError, ValueError) as error:
        what, cure = unread_file(key, f"{key}-data, as base64", name, error)
        raise found.wrong(what, context, cure) from None


def _checked(user: Found[schema.User], context: str) -> schema.User:
    """The user entry, if kubectl would accept it."""
    entry = user.entry
    impersonates = entry.impersonate_uid or entry.impersonate_groups or entry.impersonate_extra
    has_certificate = entry.client_certificate or entry.client_certificate_data
    plugin = entry.exec
    if impersonates and not entry.impersonate:
        raise user.wrong("as-uid, as-groups and as-user-extra need a user: as is missing", context)
    if entry.token and (entry.username or entry.password):
        raise user.wrong("token and username are both there; only one way to log in is allowed", context)
    if has_certificate and not (entry.client_key or entry.client_key_data):
        raise user.wrong("client-certificate needs client-key or client-key-data", context)
    if plugin is not None and entry.auth_provider is not None:
        raise user.wrong("exec and auth-provider are both there; only one is allowed", context)
    if plugin is not None:
        modern = plugin.api_version.endswith("/v1beta1")  # where a missing interactiveMode means IfAvailable
        for key, value in (
            ("command", plugin.command),
            ("apiVersion", plugin.api_version),
            ("interactiveMode", plugin.interactive_mode or modern),
            ("env[].name", all(variable.name for variable in plugin.env)),
        ):
            if not value:
                raise user.wrong(f"exec.{key} is missing", context)
    return entry


def _in_cluster(namespace: str) -> Access | None:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token = SERVICE_ACCOUNT / "token"
    if not host or not port or not token.exists():
        return None
    authority, own = SERVICE_ACCOUNT / "ca.crt", SERVICE_ACCOUNT / "namespace"
    return Access(
        context=IN_CLUSTER,
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        namespace=namespace or (own.read_text().strip() if own.exists() else "default"),
        certificate_authority=authority.read_bytes() if authority.exists() else b"",
        user=replace(schema.User(), token_file=str(token)),
        origin="The pod's service account",
        in_cluster=True,
    )
