"""Containers and Kubernetes native to the notebook.

`%load_ext nbcontainer` brings the magics `%%dockerfile`, `%docker`, `%kpod`, `%%kube` and `%nbcontainer`; what they do,
the functions of this package do too, and return the same objects.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from nbcontainer.settings import settings as settings  # before anything else makes the module of that name an attribute
from nbcontainer.version import __version__ as __version__

HANDLES = ("engine",)  # the functions that give one, each in a module of its name in api; its nouns are ours too

logging.getLogger(__name__).addHandler(logging.NullHandler())  # whoever wants the log says where it goes

if TYPE_CHECKING:
    from nbcontainer import errors as errors
    from nbcontainer.api import *  # noqa: F403 - its __all__ is the list; at run time __getattr__ gives them
    from nbcontainer.api.containers import Containers
    from nbcontainer.api.engine import engine as engine
    from nbcontainer.api.networks import Networks
    from nbcontainer.api.registries import Registries
    from nbcontainer.api.volumes import Volumes
    from nbcontainer.errors import NbcontainerError as NbcontainerError

    containers: Containers
    networks: Networks
    registries: Registries
    volumes: Volumes
else:

    def __getattr__(name: str) -> Any:
        """Import what is asked for, when it is asked for: `%load_ext` must stay light."""
        from importlib import import_module  # noqa: PLC0415 - as the docstring says

        if name == "errors":
            return import_module("nbcontainer.errors")
        if name == "NbcontainerError":
            return import_module("nbcontainer.errors").NbcontainerError
        if name == "__all__" or not name.startswith("_"):
            handles = {each: getattr(import_module(f"nbcontainer.api.{each}"), each) for each in HANDLES}
            if name in handles:
                return handles[name]
            nouns_of = import_module("nbcontainer.api.nouns").nouns_of
            nouns = {noun: handle for handle in handles.values() for noun in nouns_of(type(handle()))}
            if name in nouns:
                return getattr(nouns[name](), name)
            calls = import_module("nbcontainer.api")
            if name == "__all__":
                further = ("NbcontainerError", "__version__", "errors", "settings")
                return sorted({*calls.__all__, *handles, *nouns, *further})
            if name in calls.__all__:
                return getattr(calls, name)
        raise AttributeError(f"module 'nbcontainer' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(sys.modules[__name__].__all__)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: `%load_ext nbcontainer`."""
    import nbcontainer.identity  # noqa: F401, PLC0415 - it notes the folder that the notebook begins in
    from nbcontainer.magics.registration import register  # noqa: PLC0415 - only IPython needs it

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away: `%unload_ext nbcontainer`."""
    from nbcontainer.magics.registration import unregister  # noqa: PLC0415 - as above

    unregister(shell)
