"""Containers and Kubernetes native to the notebook.

`%load_ext nbcontainer` adds the magics `%%dockerfile`, `%docker`, `%kpod`, `%%kube` and `%nbcontainer`; the functions
of this package do the same and return the same objects.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbcontainer import views as _views
from nbcontainer.drawn import draw_by
from nbcontainer.loading import modules_on_use
from nbcontainer.settings import (
    settings as settings,
)  # first: importing the module of that name later would make it the attribute
from nbcontainer.version import __version__ as __version__

# public names that are loaded on first use, and the module of each
MODULES = {
    "NbcontainerError": "errors",
    "Plan": "api.plans",
    "clean": "api.made",
    "cluster": "api.cluster",
    "doctor": "diagnosis",
    "engine": "api.engine",
    "made": "api.made",
    "notebook_id": "identity",
    "plan_clean": "api.made",
    "tour": "lessons",
}
HANDLES = ("engine", "cluster")  # functions among them that return a handle, whose nouns are public names too

logging.getLogger(__name__).addHandler(logging.NullHandler())  # a library does not decide where its log goes

draw_by(  # views load with the first picture
    lambda result: _views.results.bundle_of(result),  # noqa: PLW0108
    lambda result: _views.results.widget_of(result),  # noqa: PLW0108
)

# nouns: scripts/reference.py writes these lines
if TYPE_CHECKING:
    from nbcontainer.api.cluster_contexts import Contexts, Namespaces
    from nbcontainer.api.cluster_create import Create
    from nbcontainer.api.cluster_nodes import Top
    from nbcontainer.api.cluster_workloads import PodTemplate, Rollout
    from nbcontainer.api.containers import Containers
    from nbcontainer.api.images import Images
    from nbcontainer.api.networks import Networks
    from nbcontainer.api.pods import Pods
    from nbcontainer.api.registries import Registries
    from nbcontainer.api.system import System
    from nbcontainer.api.volumes import Volumes

    containers: Containers
    contexts: Contexts
    create: Create
    images: Images
    namespaces: Namespaces
    networks: Networks
    pod_template: PodTemplate
    pods: Pods
    registries: Registries
    rollout: Rollout
    system: System
    top: Top
    volumes: Volumes
# end of nouns

if TYPE_CHECKING:
    from nbcontainer import errors as errors
    from nbcontainer import logs as logs
    from nbcontainer.api.cluster import cluster as cluster
    from nbcontainer.api.engine import engine as engine
    from nbcontainer.api.made import clean as clean
    from nbcontainer.api.made import made as made
    from nbcontainer.api.made import plan_clean as plan_clean
    from nbcontainer.api.plans import Plan as Plan
    from nbcontainer.diagnosis import doctor as doctor
    from nbcontainer.errors import NbcontainerError as NbcontainerError
    from nbcontainer.identity import notebook_id as notebook_id
    from nbcontainer.lessons import tour as tour
else:

    def __getattr__(name: str) -> Any:
        """Import names on first use: `%load_ext` must stay fast."""
        if name in MODULES:
            return getattr(import_module(f"nbcontainer.{MODULES[name]}"), name)
        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module 'nbcontainer' has no attribute {name!r}")
        try:
            return _load(name)  # `from nbcontainer import views` comes here first, and must load nothing else
        except AttributeError:
            pass
        nouns_of = import_module("nbcontainer.api.nouns").nouns_of
        nouns = {}
        for module in HANDLES:
            handle = getattr(import_module(f"nbcontainer.api.{module}"), module)
            nouns |= dict.fromkeys(nouns_of(type(handle())), handle)
        if name in nouns:
            return getattr(nouns[name](), name)
        if name == "__all__":
            return sorted({*nouns, *MODULES, "__version__", "errors", "logs", "settings"})
        raise AttributeError(f"module 'nbcontainer' has no attribute {name!r}")

    _load = modules_on_use(__name__)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(sys.modules[__name__].__all__)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: `%load_ext nbcontainer`."""
    import nbcontainer.identity  # noqa: F401, PLC0415 - it records the folder in which the notebook starts
    from nbcontainer.magics.registration import register  # noqa: PLC0415 - only IPython needs it

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics: `%unload_ext nbcontainer`."""
    from nbcontainer.magics.registration import unregister  # noqa: PLC0415 - only IPython needs it

    unregister(shell)
