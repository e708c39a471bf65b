"""A volume that cannot be mounted, so that no container starts."""

from __future__ import annotations

import re

from nbcontainer.clusters.why.facts import PodFacts, of_event
from nbcontainer.json_objects import text_of
from nbcontainer.model.why import Finding

_OBJECT = re.compile(r'(configmap|secret) "([^"]+)" not found')
_VOLUME = re.compile(r'for volume "([^"]+)"')


def explain(facts: PodFacts) -> Finding | None:
    """The last mount that failed, while a container still waits to be created."""
    waits = {text_of(one.waiting, "reason") for one in facts.containers()}
    event = facts.last_event("FailedMount", "FailedAttachVolume", "FailedMapVolume")
    if event is None or not waits & {"ContainerCreating", "PodInitializing"}:
        return None
    said = text_of(event, "message").strip()
    volume = _VOLUME.search(said)
    cause = said.rpartition(" : ")[2] or said
    cure = f"{facts.describe} shows its volumes. The pod keeps trying."
    if found := _OBJECT.search(said):
        listed = facts.kube("get", found[1])
        cure = f"Create the {found[1]} {found[2]}, or correct its name: {listed} lists those that exist."
    which = f"its volume {volume[1]}" if volume else "a volume"
    return Finding(
        text_of(event, "reason"),
        f"Pod {facts.name} cannot run: {which} cannot be mounted: {cause.rstrip('.')}.",
        cure,
        passing=True,
        evidence=(of_event(event),),
    )
