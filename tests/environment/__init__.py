"""The real things that the tests talk to: engines, registries, base images, a cluster, a browser.

``python -m tests.environment up`` starts everything, ``status`` tells the truth about it, ``down`` stops what was
started. Only the standard library is used, so that it runs before anything of the project is installed. Nothing of the
user's own is touched: programs are Debian packages unpacked into the cache, and daemons have sockets, bridges and
folders of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .part import Part

__all__ = ["parts"]


def parts(*, small: bool = False) -> dict[str, Part]:
    """Every part by its name, each after those that it needs.

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
    from .podman import Podman, RootlessPodman
    from .registries import PasswordRegistry, Registry, TokenRegistry
    from .simulation import Kwok
    from .sshd import Sshd

    every: list[Part] = [
        *[Registry(), PasswordRegistry(), TokenRegistry(), Gopath(), Docker(), Docker20(), Sshd()],
        # of those that are built, the longest comes first
        *[Images(small=small), Podman(), RootlessPodman(), Kubernetes(), Buildkitd(), Kwok(), Chromium()],
    ]
    return {part.name: part for part in every}
