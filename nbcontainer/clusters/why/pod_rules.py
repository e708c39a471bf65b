"""The rules for pods, in order of importance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.clusters.why import (
    ending,
    exit,  # noqa: A004 - what it is about
    failed,
    gates,
    image,
    initialization,
    node,
    probes,
    sandbox,
    scheduling,
    start,
    starting,
    volume,
)
from nbcontainer.clusters.why.facts import PodFacts
from nbcontainer.model.commands import CLUSTER_IN_USE, ClusterCommands

if TYPE_CHECKING:
    from nbcontainer.json_objects import JsonObject
    from nbcontainer.model.why import Finding

KEEPS_FROM_RUNNING = (image.explain, start.explain, exit.explain, failed.explain, scheduling.explain)
MORE = (
    volume.explain,
    sandbox.explain,
    initialization.explain,
    gates.explain,
    probes.explain,
)


def trouble(pod: JsonObject, commands: ClusterCommands = CLUSTER_IN_USE) -> Finding | None:
    """What keeps a pod from running, by its status alone, or None if nothing known does.

    Args:
        pod: the object.
        commands: of its cluster, for the cure.
    """
    facts = PodFacts(pod, commands)
    return next((found for rule in KEEPS_FROM_RUNNING if (found := rule(facts)) is not None), None)


def findings(facts: PodFacts) -> list[Finding]:
    """All that is wrong with a pod, the most important first; of a pod that was deleted, only why it does not go."""
    gone = ending.explain(facts)
    on_node = node.explain(facts)
    if gone is not None:
        return [gone, *([on_node] if on_node else [])]
    found = [one for rule in (*KEEPS_FROM_RUNNING, *MORE) if (one := rule(facts)) is not None]
    if len(found) > 1:  # what follows from a failing container is no reason of its own
        found = [one for one in found if one.reason != "Failed" or not found[0].container] or found[:1]
        found = [found[0], *(one for one in found[1:] if one.container != found[0].container or not one.container)]
    if not found and (begins := starting.explain(facts)) is not None:
        found = [begins]
    return [*found, *([on_node] if on_node else [])]
