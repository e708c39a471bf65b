"""Objects as a comparison shows them: without what changes by itself, and without the values of Secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbcontainer.clusters.secret_values import HIDDEN, hide
from nbcontainer.json_objects import JsonObject, object_of

_OF_THE_SERVER = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
# annotations: kubectl's copy of the whole manifest, and the number of a deployment's rollout
BY_OTHERS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")
_FIRST = ("apiVersion", "kind", "metadata")  # as people write them
_VALUES = ("data", "stringData")
_SHORTEST = 3  # characters of a value that is replaced in a message: fewer are part of too many words
_GO_VALUE = re.compile(r"got &value\.valueUnstructured\{.*\}")


def without_noise(document: JsonObject) -> JsonObject:
    """An object without its status, and without the metadata that the API server, kubectl and controllers fill in."""
    metadata = {key: value for key, value in object_of(document, "metadata").items() if key not in _OF_THE_SERVER}
    annotations = object_of(metadata, "annotations")
    if annotations.keys() & {*BY_OTHERS}:
        metadata["annotations"] = {key: value for key, value in annotations.items() if key not in BY_OTHERS}
        if not metadata["annotations"]:
            del metadata["annotations"]
    first = {key: document[key] for key in _FIRST if key in document}
    known = {**first, **document, "metadata": metadata} if "metadata" in document else {**first, **document}
    return {key: value for key, value in known.items() if key != "status"}


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


def without_values(message: str, document: JsonObject) -> str:
    """A message about an object; if that is a Secret, without its values, which the API server may quote."""
    if document.get("kind") != "Secret":
        return message
    message = _GO_VALUE.sub("got something else", message)
    values = {text for part in _VALUES for text in _texts(document.get(part))}
    for value in sorted(values, key=len, reverse=True):
        message = message.replace(value, HIDDEN)
    return message


def _texts(value: object) -> Iterator[str]:
    """The texts and numbers in a value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _texts(each)
    if isinstance(value, str | int | float) and len(str(value)) >= _SHORTEST:
        yield str(value)
