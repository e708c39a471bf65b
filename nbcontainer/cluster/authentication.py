"""Who one is to an API server: headers and client certificates from a kubeconfig's user entry.

Certificates, tokens, token files, passwords and exec plugins are served here; the older auth providers (gcp, oidc) by
the `kubernetes` package, which is imported for those alone.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcontainer.errors import AuthFailed, ClusterUnavailable
from nbcontainer.operation import run_soon
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.cluster.kubeconfig import Access

__all__ = ["Credentials", "tls_context"]

EXPIRY_MARGIN = 10.0  # seconds before its end at which a credential counts as expired


class Credentials:
    """The headers of one context's user, kept until they expire.

    Attributes:
        client_certificate, client_key: PEM that an exec plugin gave, b"" where there is none.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._headers: dict[str, str] | None = None
        self._expires: float | None = None
        self._lock = threading.Lock()
        self.client_certificate = access.client_certificate
        self.client_key = access.client_key

    @property
    def current(self) -> bool:
        """Whether the headers are known and not expired."""
        fresh = self._expires is None or datetime.now(UTC).timestamp() < self._expires - EXPIRY_MARGIN
        return self._headers is not None and fresh

    def headers(self) -> dict[str, str]:
        """The headers to send. Unless they are `current`, it may take a while, and no event loop should wait for it.

        Raises:
            AuthFailed: an exec plugin or auth provider gave none.
        """
        with self._lock:  # a plugin that asks a person is not run twice at once
            if not self.current:
                self._headers = self._read()
            return self._headers or {}

    def __repr__(self) -> str:
        return "Credentials(…)"

    def _read(self) -> dict[str, str]:
        user = self._access.user
        self._expires = None
        if user.get("tokenFile"):
            # kubelets rotate these files; client-go reads them again every minute as well
            self._expires = datetime.now(UTC).timestamp() + 60 + EXPIRY_MARGIN
            return _bearer(self._token_file(str(user["tokenFile"])))
        if user.get("token"):
            return _bearer(str(user["token"]))
        if user.get("username"):
            pair = f"{user['username']}:{user.get('password') or ''}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        if user.get("exec"):
            return self._from_plugin(_run_plugin(self._access))
        if user.get("auth-provider"):
            return run_soon(_from_provider(self._access))
        return {}

    def _token_file(self, name: str) -> str:
        try:
            return (self._access.folder / Path(name).expanduser()).read_text().strip()
        except OSError as error:
            raise ClusterUnavailable(
                f"The token file of context {self._access.context!r} cannot be read: {name}: {error.strerror}.",
                context=self._access.context,
            ) from error

    def _from_plugin(self, status: Mapping[str, Any]) -> dict[str, str]:
        if status.get("expirationTimestamp"):
            self._expires = datetime.fromisoformat(str(status["expirationTimestamp"])).timestamp()
        if status.get("clientCertificateData"):
            self.client_certificate = str(status["clientCertificateData"]).encode()
            self.client_key = str(status.get("clientKeyData") or "").encode()
        return _bearer(str(status["token"])) if status.get("token") else {}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _run_plugin(access: Access) -> Mapping[str, Any]:
    """Run the user's exec plugin (client.authentication.k8s.io) and give its status.

    Raises:
        AuthFailed: it is not installed, failed, or gave no credential; with what it wrote to stderr.
    """
    plugin = access.user["exec"]
    command = str(plugin.get("command") or "")
    version = str(plugin.get("apiVersion") or "client.authentication.k8s.io/v1")
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        authority = base64.b64encode(access.certificate_authority).decode()
        spec["cluster"] = {"server": access.server, "certificate-authority-data": authority}
        spec["cluster"] |= {"tls-server-name": access.tls_server_name} if access.tls_server_name else {}
    environment = dict(os.environ)
    environment |= {str(item["name"]): str(item["value"]) for item in plugin.get("env") or []}
    request = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(request)
    # client-go: a command with a slash is relative to the kubeconfig, a bare word is looked up on PATH
    program = str(access.folder / command) if os.sep in command else command
    who = f"The credential plugin {command!r} of context {access.context!r}"
    try:
        done = _run_group([program, *(str(word) for word in plugin.get("args") or [])], environment)
    except FileNotFoundError:
        hint = str(plugin.get("installHint") or "Install it, or choose another context.")
        raise AuthFailed(f"{who} is not installed.", host=access.server, status=0, cure=hint) from None
    except subprocess.TimeoutExpired as error:
        cure = "Run it in a terminal to see what it waits for. The setting credential_plugin_timeout is the limit."
        what = f"{who} did not end within {error.timeout:g} s, and was ended."
        raise AuthFailed(what, host=access.server, status=0, cure=cure) from None
    except OSError as error:
        raise AuthFailed(f"{who} cannot be run: {error}.", host=access.server, status=0) from None
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip()[-500:] or "it wrote nothing"
        raise AuthFailed(f"{who} failed with exit code {done.returncode}: {last}", host=access.server, status=0)
    try:
        status = json.loads(done.stdout)["status"]
    except (ValueError, KeyError, TypeError):
        status = None
    if not isinstance(status, dict) or not (status.get("token") or status.get("clientCertificateData")):
        raise AuthFailed(f"{who} gave no credential.", host=access.server, status=0)
    return status


def _run_group(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a program in a process group of its own, all of which is ended where it is not waited for to its end."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=settings.credential_plugin_timeout)
        except BaseException:  # too late, or Ctrl-C
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


async def _from_provider(access: Access) -> dict[str, str]:
    from kubernetes.aio import client, config  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415 - 0.75 s, seldom needed
    from kubernetes.aio.config.config_exception import (  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415 - as above
        ConfigException,
    )

    configuration = client.Configuration()
    try:
        await config.load_kube_config(  # type: ignore[no-untyped-call,unused-ignore]
            context=access.context, client_configuration=configuration
        )
    except (ConfigException, ValueError, OSError) as error:
        provider = access.user["auth-provider"].get("name")
        raise AuthFailed(f"The auth provider {provider!r} failed: {error}", host=access.server, status=0) from None
    token = configuration.api_key.get("BearerToken")
    return {"Authorization": str(token)} if token else {}


def tls_context(access: Access, certificate: bytes, key: bytes) -> ssl.SSLContext | None:
    """The TLS settings for an API server, or None for plain http.

    Raises:
        ClusterUnavailable: a certificate or key is not one.
    """
    if not access.server.startswith("https"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if access.certificate_authority and not access.insecure:
            context.load_verify_locations(cadata=access.certificate_authority.decode("ascii", "replace"))
        elif not access.insecure:
            context.load_default_certs()
        if certificate:
            _load_chain(context, certificate, key)
    except (ssl.SSLError, ValueError) as error:
        raise ClusterUnavailable(
            f"The certificates of context {access.context!r} cannot be used: {error}", context=access.context
        ) from None
    return context


def _load_chain(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a client certificate from memory: Python's ssl takes files only, and a key should not reach the disk."""
    with ExitStack() as stack:
        names = []
        for text in (certificate, key):
            if sys.platform == "linux":
                descriptor = os.memfd_create("nbcontainer")
                name = f"/proc/self/fd/{descriptor}"
            else:
                descriptor, name = tempfile.mkstemp()  # 0600
                stack.callback(os.unlink, name)
            stack.callback(os.close, descriptor)
            os.write(descriptor, text)
            names.append(name)
        context.load_cert_chain(names[0], names[1] if key else None)
