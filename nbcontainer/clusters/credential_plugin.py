"""Exec plugins: programs that provide a credential for a kubeconfig's user.

See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TypeGuard

from nbcontainer.errors import AuthFailed
from nbcontainer.json_objects import value_of
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.clusters.kubeconfig import Access
    from nbcontainer.clusters.kubeconfig_schema import ExecPlugin

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


POLL_SECONDS = 0.1  # how often to check, while a plugin runs, whether anybody still waits for it


class _GivenUp(Exception):
    """Nobody waits for the plugin any more."""


def run_plugin(access: Access, plugin: ExecPlugin, given_up: threading.Event) -> Mapping[str, str | None]:
    """Run the user's exec plugin and return its status; the plugin is killed once `given_up` is set.

    Raises:
        AuthFailed: it is not installed, failed, or returned no credential; with what it wrote to stderr.
    """
    who = f"The credential plugin {plugin.command!r} of context {access.context!r}"
    if plugin.api_version not in VERSIONS:
        cure = f"Supported are {' and '.join(VERSIONS)}: a newer version of the plugin may have them."
        what = f"{who} uses a version that Kubernetes clients no longer support: {plugin.api_version}."
        raise AuthFailed(what, host=access.server, status=0, cure=cure)
    if plugin.interactive_mode == "Always":
        cure = "Log in with it in a terminal, or choose another context."
        raise AuthFailed(f"{who} works only in a terminal.", host=access.server, status=0, cure=cure)
    environment = dict(os.environ) | {variable.name: variable.value for variable in plugin.env}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(_request(access, plugin))
    # client-go: a command with a slash is relative to the kubeconfig, a bare word is looked up on PATH
    program = str(access.folder / plugin.command) if os.sep in plugin.command else plugin.command
    try:
        done = _run_group([program, *plugin.args], environment, given_up)
    except FileNotFoundError:
        hint = plugin.install_hint or "Install it, or choose another context."
        raise AuthFailed(f"{who} is not installed.", host=access.server, status=0, cure=hint) from None
    except subprocess.TimeoutExpired as error:
        cure = "Run it in a terminal to see what it waits for. The setting credential_plugin_timeout is the limit."
        what = f"{who} did not end within {error.timeout:g} s, and was killed."
        raise AuthFailed(what, host=access.server, status=0, cure=cure) from None
    except _GivenUp:
        raise AuthFailed(f"{who} was killed: nobody waits for it any more.", host=access.server, status=0) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        raise AuthFailed(f"{who} cannot be run: {error}.", host=access.server, status=0) from None
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip()[-500:] or "it wrote nothing"
        raise AuthFailed(f"{who} failed with exit code {done.returncode}: {last}", host=access.server, status=0)
    return _status(access, plugin, who, done.stdout)


def _request(access: Access, plugin: ExecPlugin) -> dict[str, object]:
    """The plugin's input: the ExecCredential in KUBERNETES_EXEC_INFO."""
    spec: dict[str, object] = {"interactive": False}
    if plugin.provide_cluster_info:
        authority = base64.b64encode(access.certificate_authority).decode()
        cluster = {
            "server": access.server,
            "tls-server-name": access.tls_server_name,
            "insecure-skip-tls-verify": access.insecure,
            "certificate-authority-data": authority,
            "proxy-url": access.proxy,
            "disable-compression": not access.compress,
        }
        spec["cluster"] = {name: value for name, value in cluster.items() if value} | {"config": access.plugin_config}
    return {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}


def _status(access: Access, plugin: ExecPlugin, who: str, output: bytes) -> Mapping[str, str | None]:
    """The status of the ExecCredential that a plugin wrote."""
    try:
        said = json.loads(output)
    except (ValueError, RecursionError):
        said = None
    status, version = value_of(said, "status"), value_of(said, "apiVersion")
    if not _is_credential(status):
        raise AuthFailed(f"{who} returned no credential.", host=access.server, status=0)
    if version != plugin.api_version:
        what = f"{who} answered in version {version}, but the kubeconfig says {plugin.api_version}."
        raise AuthFailed(what, host=access.server, status=0, cure="Put the plugin's own version into the kubeconfig.")
    if bool(status.get("clientCertificateData")) != bool(status.get("clientKeyData")):
        raise AuthFailed(f"{who} returned only one of certificate and key.", host=access.server, status=0)
    return status


def _is_credential(status: object) -> TypeGuard[Mapping[str, str | None]]:
    if not isinstance(status, dict) or not (status.get("token") or status.get("clientCertificateData")):
        return False
    return all(isinstance(value, str) for value in status.values() if value is not None)


def _run_group(
    command: list[str], environment: dict[str, str], given_up: threading.Event
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in a process group of its own; the whole group is killed if the wait for it is cut short."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, errors = _output(process, given_up)
        except BaseException:  # too late, given up, or Ctrl-C
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _output(process: subprocess.Popen[bytes], given_up: threading.Event) -> tuple[bytes, bytes]:
    limit = settings.credential_plugin_timeout
    deadline = time.monotonic() + limit
    while True:
        left = deadline - time.monotonic()
        try:
            return process.communicate(timeout=max(0.0, min(POLL_SECONDS, left)))
        except subprocess.TimeoutExpired:
            if given_up.is_set():
                raise _GivenUp from None
            if left <= POLL_SECONDS:
                raise subprocess.TimeoutExpired(process.args, limit) from None
