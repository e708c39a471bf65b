"""Mounts that a stopped daemon left behind."""

from __future__ import annotations

from pathlib import Path

from .processes import run


def remove_below(root: Path) -> None:
    """Unmounts everything below a folder, the innermost first."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for mount in sorted(mounts, reverse=True):
        if mount.startswith(f"{root}/"):
            run(["umount", "--lazy", mount])
