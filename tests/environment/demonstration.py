"""What ``make demo`` needs besides an engine: a registry to push to, and base images if Docker Hub is unreachable.

If there is no engine, Podman from the distribution is unpacked into the cache, and its ``podman`` is put on the
kernel's PATH: nothing is installed into the system, and the user's own files are not touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from . import folders, parts
from .__main__ import up as start
from .podman import Podman, registries_configuration
from .registries import PASSWORD, USER, Registry, TokenRegistry

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGES = ("podman", "uidmap", "slirp4netns", "fuse-overlayfs", "ca-certificates")


def up(*, base_images: bool, small: bool = True) -> dict[str, str]:
    """Starts the registries, with base images if they are wanted.

    Args:
        base_images: Whether Docker Hub's are needed.
        small: Only those of the quickstart.

    Returns:
        Variables for the quickstart's kernel.

    Raises:
        SystemExit: A part cannot be started here.
    """
    every = parts(small=small)
    if start(["registry-token", *(["images"] if base_images else [])], every):
        raise SystemExit("The local registry could not be started; the lines above say why.")
    home = folders.folder("demonstration")
    folders.write(home / "registries.conf", registries_configuration())
    for name in ("docker-config", "home"):
        (home / name).mkdir(exist_ok=True)
    return {
        "QUICKSTART_MIRROR": Registry().address,
        "QUICKSTART_REGISTRY": TokenRegistry().address,
        "QUICKSTART_USER": USER,
        "QUICKSTART_PASSWORD": PASSWORD,
        "DOCKER_CONFIG": str(home / "docker-config"),
        "KUBECONFIG": str(home / "no-kubeconfig"),
        "CONTAINERS_REGISTRIES_CONF": str(home / "registries.conf"),
    }


def podman(say: Callable[[str], None], why: str) -> dict[str, str]:
    """Ensures a ``podman`` on PATH: the machine's own, or one from the distribution's packages; `why` is printed.

    Returns:
        Variables under which it works.

    Raises:
        SystemExit: It cannot be installed.
    """
    if shutil.which("podman"):
        return {}
    if os.geteuid() != 0:
        # rootless Podman needs newuidmap, which only the administrator can install
        say(f"{why}: installing Podman from the distribution (sudo may ask for your password)")
        command = ["sudo", "apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES]
        if not shutil.which("apt-get") or subprocess.run(command, check=False).returncode:
            raise SystemExit(f"{why[:1].upper()}{why[1:]}. Install Podman and run this again.")
        return {}
    say(f"{why}: unpacking Podman from the distribution's packages into the cache")
    part = Podman()
    part.install()
    variables = part.program_environment()
    folder = folders.folder("demonstration", "bin")
    kept = ("LD_LIBRARY_PATH", "XTABLES_LIBDIR", "CONTAINERS_CONF", "HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
    lines = [f"export {name}='{variables[name]}'" for name in kept if name in variables]
    program = part.tree() / "usr/bin/podman"
    path = f"export PATH='{variables['PATH']}':\"$PATH\""
    folders.write(folder / "podman", "\n".join(["#!/bin/sh", *lines, path, f'exec {program} "$@"\n']), 0o755)
    return {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}
