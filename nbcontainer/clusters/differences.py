"""Objects as a comparison shows them: without what changes by itself, and without the values of Secrets. Pure."""

from __future__ import annotations

from nbcontainer.clusters.secret_values import HIDDEN, hide
from nbcontainer.json_objects import JsonObject, object_of

_OF_THE_SERVER = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # kubectl's copy of the whole manifest
_VALUES = ("data", "stringData")


def without_noise(document: JsonObject) -> JsonObject:
    """An object without its status, and without the metadata that the API server fills in."""
    metadata = {key: value for key, value in object_of(document, "metadata").items() if key not in _OF_THE_SERVER}
    annotations = object_of(metadata, "annotations")
    if LAST_APPLIED in annotations:
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
        if not metadata["annotations"]:
            del metadata["annotations"]
    return {key: metadata if key == "metadata" else value for key, value in document.items() if key != "status"}


def compared(before: JsonObject | None, after: JsonObject | None) -> tuple[JsonObject, JsonObject]:
    """Both states of an object as they may be shown; {} where it does not exist.

    A Secret's values are hidden; a value that differs says on which side it is.
    """
    old, new = without_noise(before or {}) if before else {}, without_noise(after or {}) if after else {}
    shown_old, shown_new = hide(old), hide(new)
    if "Secret" not in {old.get("kind"), new.get("kind")} or not old or not new:
        return shown_old, shown_new
    for part in _VALUES:
        was, is_now = object_of(old, part), object_of(new, part)
        different = [key for key in was.keys() & is_now.keys() if was[key] != is_now[key]]
        for shown, side in ((shown_old, "before"), (shown_new, "after")):
            if different:
                shown[part] = {**object_of(shown, part), **dict.fromkeys(different, f"{HIDDEN} ({side})")}
    return shown_old, shown_new


def is_same(before: JsonObject | None, after: JsonObject) -> bool:
    """Whether a change has left an object as it was."""
    return before is not None and without_noise(before) == without_noise(after)
