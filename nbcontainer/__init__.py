"""Containers and Kubernetes native to the notebook.

`%load_ext nbcontainer` brings the magics `%%dockerfile`, `%docker`, `%kpod`, `%%kube` and `%nbcontainer`; what they do,
the functions of this package do too, and return the same objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcontainer.settings import settings  # before anything else makes the module of that name an attribute
from nbcontainer.version import __version__

if TYPE_CHECKING:
    from nbcontainer.api import (  # noqa: F401 - __getattr__ gives them at run time
        apply,
        build,
        check,
        container_logs,
        containers,
        create_pod,
        delete_pods,
        describe_pod,
        doctor,
        events,
        exec_pod,
        images,
        login,
        logout,
        pod_logs,
        pods,
        pull,
        push,
        remove_containers,
        run,
        stop_containers,
        tag,
        watch_pods,
    )
    from nbcontainer.errors import NbcontainerError

_API = (
    "apply",
    "build",
    "check",
    "container_logs",
    "containers",
    "create_pod",
    "delete_pods",
    "describe_pod",
    "doctor",
    "events",
    "exec_pod",
    "images",
    "login",
    "logout",
    "pod_logs",
    "pods",
    "pull",
    "push",
    "remove_containers",
    "run",
    "stop_containers",
    "tag",
    "watch_pods",
)

__all__ = [*_API, "NbcontainerError", "__version__", "errors", "settings"]  # noqa: PLE0604 - _API holds names


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for: `%load_ext` must stay light."""
    from importlib import import_module  # noqa: PLC0415 - as the docstring says

    if name in _API:
        return getattr(import_module("nbcontainer.api"), name)
    if name == "NbcontainerError":
        return import_module("nbcontainer.errors").NbcontainerError
    if name == "errors":
        return import_module("nbcontainer.errors")
    raise AttributeError(f"module 'nbcontainer' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: `%load_ext nbcontainer`."""
    from nbcontainer.magics.registration import register  # noqa: PLC0415 - only IPython needs it

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away: `%unload_ext nbcontainer`."""
    from nbcontainer.magics.registration import unregister  # noqa: PLC0415 - as above

    unregister(shell)
