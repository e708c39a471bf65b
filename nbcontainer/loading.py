"""Modules that are imported on first use (PEP 562), so that no import has to be inside a function.

`from nbcontainer import engines` costs nothing; `engines.volumes` is the module, imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from nbcontainer.interrupts import interrupts_deferred

# imported in the background for the first calls, in small steps: shared modules, the first table, then the heavy ones
PRELOADED = (
    "nbcontainer.views.surfaces",
    "nbcontainer.views.notebook",
    "nbcontainer.api.cluster",
    "nbcontainer.clusters.pods_backend",
    "yaml",
    "nbcontainer.clusters.connection",
    "nbcontainer.clusters.tables",
    "nbcontainer.clusters.objects",
    "nbcontainer.views.tables",
    "nbcontainer.engines.connection",
    "nbcontainer.engines.build",
    "nbcontainer.views.build",
    "ipywidgets",
    "anywidget",
    "nbcontainer.widgets.live",
    "multidict",
    "yarl",
    "aiohttp",
    "nbcontainer.clusters.client",
    "nbcontainer.clusters.logs",
    "nbcontainer.clusters.pods",
    "nbcontainer.clusters.exec",
    "nbcontainer.views.logs",
    "rich.live",
)


def modules_on_use(package: str) -> Callable[[str], ModuleType]:
    """The `__getattr__` of a package whose modules load on first use.

    The package names its modules under `TYPE_CHECKING` too, so that type checkers know them.

    Args:
        package: the package's `__name__`.
    """

    def load(name: str) -> ModuleType:
        wanted = f"{package}.{name}"
        try:
            # Python may not release the lock of all imports if it is interrupted there: other threads wait forever
            with interrupts_deferred():
                return import_module(wanted)
        except ModuleNotFoundError as error:
            if error.name != wanted:
                raise
            raise AttributeError(f"module {package!r} has no attribute {name!r}") from None

    return load
