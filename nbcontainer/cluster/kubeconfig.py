"""kubeconfig: which API server, as whom, by kubectl's rules.

The common cases are read here with yaml alone: it takes milliseconds, where `kubernetes.aio` takes most of a second to
import. See https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbcontainer.errors import ClusterUnavailable

__all__ = ["Access", "contexts", "read_access", "servers"]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "in-cluster"  # the name of a pod's own access, as of a context
CREATE_HINT = "Put a kubeconfig at ~/.kube/config or name one in KUBECONFIG."


@dataclass(frozen=True)
class Access:
    """One context, resolved: where its API server is and what proves who one is.

    Attributes:
        user: the user's entry of the kubeconfig: its tokens, commands and auth providers, never printed.
        folder: what relative file names of the user's entry are relative to.
        certificate_authority, client_certificate, client_key: PEM, b"" where there is none.
    """

    context: str
    server: str
    namespace: str = "default"
    certificate_authority: bytes = field(default=b"", repr=False)
    client_certificate: bytes = field(default=b"", repr=False)
    client_key: bytes = field(default=b"", repr=False)
    user: Mapping[str, Any] = field(default_factory=dict, repr=False)
    folder: Path = Path()
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str = ""
    compress: bool = True


def read_access(context: str = "", namespace: str = "") -> Access:
    """Resolve a context of the kubeconfig, or the pod's own service account inside a cluster.

    Args:
        context: its name, or "" for the current context.
        namespace: overrides the context's own, if not "".

    Raises:
        ClusterUnavailable: there is no kubeconfig, no such context, or the context is not whole.
    """
    merged, files = _merge()
    if not merged["contexts"] and context in {"", IN_CLUSTER}:
        inside = _in_cluster(namespace)
        if inside is not None:
            return inside
    if not merged["contexts"]:
        looked = ", ".join(str(path) for path in files) or "nowhere"
        raise ClusterUnavailable(f"There is no Kubernetes context (looked in {looked}).", cure=CREATE_HINT)
    name = context or merged["current-context"]
    known = ", ".join(sorted(merged["contexts"]))
    if not name:
        raise ClusterUnavailable("The kubeconfig has no current context.", cure=f"Name one of its contexts: {known}.")
    if name not in merged["contexts"]:
        raise ClusterUnavailable(
            f"The kubeconfig has no context {name!r}.",
            context=name,
            cure=f"It has: {known}.",
        )
    return _resolve(name, namespace, merged)


def contexts() -> tuple[dict[str, str], str]:
    """Every context's name with its namespace, and the current context's name."""
    merged, _ = _merge()
    spaces = {name: str(entry.get("namespace") or "default") for name, (entry, _folder) in merged["contexts"].items()}
    return spaces, str(merged["current-context"])


def servers() -> list[tuple[str, str]]:
    """Every context's name with its API server's address: of KUBECONFIG's files, and of ~/.kube/config.

    A context need not be whole for that, and a file that cannot be read is passed over.
    """
    found: dict[tuple[str, str], None] = {}
    for paths in (_paths(), [_default_path()]):
        with suppress(ClusterUnavailable):
            merged, _ = _merge(paths)
            for name, (entry, _folder) in merged["contexts"].items():
                cluster, _folder = merged["clusters"].get(entry.get("cluster"), ({}, None))
                found[name, str(cluster.get("server") or "http://localhost:8080")] = None
    return list(found)


def _paths() -> list[Path]:
    listed = os.environ.get("KUBECONFIG", "")
    if listed:
        return [Path(part).expanduser() for part in listed.split(os.pathsep) if part]
    return [_default_path()]


def _default_path() -> Path:
    return Path.home() / ".kube" / "config"


def _merge(paths: list[Path] | None = None) -> tuple[dict[str, Any], list[Path]]:
    """All files as one: the first to set a name wins, files that are missing are passed over."""
    merged: dict[str, Any] = {"contexts": {}, "clusters": {}, "users": {}, "current-context": ""}
    paths = _paths() if paths is None else paths
    for path in paths:
        document = _load(path)
        merged["current-context"] = merged["current-context"] or str(document.get("current-context") or "")
        for kind in ("contexts", "clusters", "users"):
            for entry in document.get(kind) or []:
                if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                    merged[kind].setdefault(entry["name"], (entry.get(kind[:-1]) or {}, path.parent))
    return merged, paths


def _load(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - loaded on first use, never by %load_ext

    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ClusterUnavailable(f"The kubeconfig {path} cannot be read: {error.strerror}.") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        # the error's own text would quote the line, which may hold a token
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ClusterUnavailable(f"The kubeconfig {path}{where} is not YAML.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ClusterUnavailable(f"The kubeconfig {path} is not a kubeconfig.")
    return document


def _resolve(name: str, namespace: str, merged: dict[str, Any]) -> Access:
    entry, _ = merged["contexts"][name]
    cluster_name, user_name = entry.get("cluster"), entry.get("user")
    if cluster_name not in merged["clusters"]:
        raise ClusterUnavailable(f"Context {name!r} names a cluster {cluster_name!r} that is not there.", context=name)
    cluster, cluster_folder = merged["clusters"][cluster_name]
    if user_name and user_name not in merged["users"]:
        raise ClusterUnavailable(f"Context {name!r} names a user {user_name!r} that is not there.", context=name)
    user, user_folder = merged["users"].get(user_name, ({}, cluster_folder))
    server = str(cluster.get("server") or "http://localhost:8080")
    return Access(
        context=name,
        server=server.rstrip("/"),
        namespace=namespace or str(entry.get("namespace") or "default"),
        certificate_authority=_pem(name, cluster, "certificate-authority", cluster_folder),
        client_certificate=_pem(name, user, "client-certificate", user_folder),
        client_key=_pem(name, user, "client-key", user_folder),
        user=user,
        folder=user_folder,
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=str(cluster.get("tls-server-name") or ""),
        proxy=str(cluster.get("proxy-url") or ""),
        compress=not cluster.get("disable-compression"),
    )


def _pem(context: str, entry: Mapping[str, Any], key: str, folder: Path) -> bytes:
    """PEM from `KEY-data`, which wins, or from the file that `KEY` names."""
    data = entry.get(f"{key}-data")
    if data:
        try:
            return base64.b64decode("".join(str(data).split()), validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise ClusterUnavailable(f"{key}-data of context {context!r} is not base64.", context=context) from None
    path = entry.get(key)
    if not path:
        return b""
    try:
        return (folder / Path(str(path)).expanduser()).read_bytes()
    except OSError as error:
        raise ClusterUnavailable(
            f"{key} of context {context!r} cannot be read: {path}: {error.strerror}.", context=context
        ) from error


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
        user={"tokenFile": str(token)},
    )
