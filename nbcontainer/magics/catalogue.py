"""The magics. Their verbs load with the first call, or in the background after the first cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import magics

if TYPE_CHECKING:
    from nbcontainer.magics.calls import Verbs

# each magic, which has a module of the same name, and what it is for
MAGICS = {
    "dockerfile": "Builds an image from the cell, a Dockerfile.",
    "docker": "Images, containers, networks, volumes, registries and disk space of the engine in use.",
    "kpod": "Pods of the cluster in use, or of Podman if there is none.",
    "kube": "Objects of any kind in the cluster in use.",
    "nbcontainer": "What is reachable, what is missing, the lessons, and the settings.",
}


def verbs_of(name: str) -> Verbs:
    """The verbs of one of our magics."""
    verbs: Verbs = getattr(magics, name).VERBS
    return verbs
