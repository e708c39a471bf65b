"""Whether nodes get new pods."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.patching import Target
    from nbcontainer.model.changes import Change


def cordon(cluster: Cluster, nodes: Sequence[Target], *, cordoned: bool, dry_run: bool = False) -> list[Change]:
    """Keep new pods away from nodes, or no longer.

    Raises:
        NotFound, ApiError: there is no such node, or the API server refuses.
    """

    async def run() -> list[Change]:
        return list(await asyncio.gather(*(cordon_one(node, cordoned=cordoned, dry_run=dry_run) for node in nodes)))

    return cluster.run(run())


async def cordon_one(node: Target, *, cordoned: bool, dry_run: bool = False) -> Change:
    """The same of one node; raises as `cordon`."""
    verb = "cordon" if cordoned else "uncordon"
    command = node.cluster.commands.kubectl(verb, node.name, *(["--dry-run=server"] * dry_run), namespace="")
    present = await node.get()
    patch = {"spec": {"unschedulable": True if cordoned else None}}
    change = await node.patch(patch, "strategic", present=present, action=f"{verb}ed", command=command, dry_run=dry_run)
    return replace(change, status=f"already {verb}ed") if change.action == "unchanged" else change
