"""An engine as a whole; methods have docker's names."""

from __future__ import annotations

from nbcontainer import engines
from nbcontainer.api.nouns import EngineNoun
from nbcontainer.model.system import DiskUsage
from nbcontainer.protection import reads


class System(EngineNoun):
    """One engine as a whole."""

    @reads
    def df(self, *, verbose: bool = False) -> DiskUsage:
        """The disk space that images, containers, volumes and the build cache use, and how much of it can be freed.

        Args:
            verbose: with each object, the largest first. The engine measures its volumes for this call, which may
                take long.

        Raises:
            EngineUnavailable: the engine does not answer.
        """
        return engines.system.disk_usage(self._engine.connect(), verbose=verbose)
