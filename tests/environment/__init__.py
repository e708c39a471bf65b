"""The real programs that the tests talk to: engines, registries, base images, a cluster, a browser.

``python -m tests.environment up`` starts everything, ``status`` shows the state of each part, ``down`` stops what was
started. It uses only the standard library, to run before anything of the project is installed. The user's own files
are never touched: programs are Debian packages unpacked into the cache, and daemons have their own sockets, bridges
and folders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .part import Part

__all__ = ["parts"]


def parts(*, small: bool = False) -> dict[str, Part]:
    """Every part by name, each after the parts it needs.

    Args:
        small: Only the base images that the demo needs (busybox and golang).
    """
    from .browser import Chromium
    from .buildkitd import Buildkitd
    from .cluster import Kubernetes
    from .docker import Docker
    from .docker20 import Docker20
    from .golang import Gopath
    from .images import Images
    from .oracle import DockerfileOracle
    from .podman import Podman, RootlessPodman
    from .registries import PasswordRegistry, Registry, TokenRegistry
    from .simulation import Kwok
    from .sshd import Sshd

    every: list[Part] = [
        *[Registry(), PasswordRegistry(), TokenRegistry(), Gopath(), Docker(), Docker20(), Sshd()],
        # of the parts that are built, the longest comes first
        *[Images(small=small), Podman(), RootlessPodman(), Kubernetes(), Buildkitd()],
        *[DockerfileOracle(), Kwok(), Chromium()],
    ]
    return {part.name: part for part in every}
