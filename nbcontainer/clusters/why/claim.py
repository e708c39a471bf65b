"""A PersistentVolumeClaim that has no volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.clusters.why.facts import of_event
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.model.why import Evidence, Finding

if TYPE_CHECKING:
    from nbcontainer.clusters.why.surroundings import Surroundings
    from nbcontainer.model.commands import ClusterCommands

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def explain(found: JsonObject, near: Surroundings, commands: ClusterCommands) -> tuple[list[Finding], str]:
    """Why the claim is not bound."""
    name, phase = text_of(found, "metadata", "name"), text_of(found, "status", "phase")
    if phase == "Bound":
        return [], phase
    wanted = object_of(found, "spec").get("storageClassName")
    events = near.events[-1:]
    evidence = (Evidence("status.phase", phase), *map(of_event, events))
    if phase == "Lost":
        message = f"The volume of claim {name}, {text_of(found, 'spec', 'volumeName')}, is gone."
        return [Finding("Lost", message, "Its contents are lost: create the claim again.", evidence=evidence)], phase
    classes = near.classes or ()
    known = [text_of(one, "metadata", "name") for one in classes]
    listed = commands.kube("get", "storageclasses", namespace="")
    if near.classes is not None and wanted and wanted not in known:
        message = f"Claim {name} wants the StorageClass {wanted!r}, which does not exist."
        said = ", ".join(known) or "none"
        evidence = (Evidence("spec.storageClassName", str(wanted)), Evidence("StorageClasses", said), *evidence)
        return [
            Finding("NoStorageClass", message, f"Correct it: {listed} lists those that exist.", evidence=evidence)
        ], phase
    if near.classes is not None and wanted is None and not any(_is_default(one) for one in classes):
        message = f"Claim {name} names no StorageClass, and the cluster has no default one."
        cure = f"Name one of those that {listed} lists, or create a PersistentVolume that fits."
        return [Finding("NoDefaultStorageClass", message, cure, evidence=evidence)], phase
    if events and text_of(events[0], "reason") == "WaitForFirstConsumer":
        users = [one for one in near.all_pods if _uses(one, name)]
        if not users:
            message = f"Claim {name} gets its volume when the first pod uses it; none does yet."
            return [Finding("WaitForFirstConsumer", message, "Create the pod.", passing=True, evidence=evidence)], phase
    said = text_of(events[0], "message").strip().rstrip(".") if events else "no volume fits it, and nothing makes one"
    shown = commands.kube("get", "pv", namespace="")
    message = f"Claim {name} has no volume: {said}."
    return [Finding("Pending", message, f"{shown} lists the volumes.", passing=True, evidence=evidence)], phase


def _is_default(found: JsonObject) -> bool:
    return text_of(found, "metadata", "annotations", DEFAULT) == "true"


def _uses(pod: JsonObject, claim: str) -> bool:
    return any(
        text_of(volume, "persistentVolumeClaim", "claimName") == claim for volume in entries_of(pod, "spec", "volumes")
    )
