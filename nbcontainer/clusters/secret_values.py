"""The values of Secrets, hidden wherever an object is shown: YAML, JSON, differences, descriptions, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

HIDDEN = "hidden"  # it is not base64, so no API server takes it for a Secret's data
_VALUES = ("data", "stringData")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # kubectl's copy of the whole manifest


def hide(object: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - what Kubernetes calls it
    """An object as it may be shown: a Secret without its values, also in a List; any other as it is.

    The names of the values stay. The argument is not changed.

    Args:
        object: an object, or a list of objects, as the API server sent it or as a user wrote it.
    """
    shown = dict(object)
    kind, items = shown.get("kind"), shown.get("items")
    if isinstance(items, list) and str(kind).endswith("List"):
        # the items of a typed list, as the API server sends it, may have no kind of their own
        of_secrets = {"kind": "Secret"} if kind == "SecretList" else {}
        shown["items"] = [_hide_item(item, of_secrets) if isinstance(item, Mapping) else item for item in items]
    if kind != "Secret":
        return shown
    for part in _VALUES:
        if shown.get(part):
            values = shown[part]
            shown[part] = dict.fromkeys(values, HIDDEN) if isinstance(values, Mapping) else HIDDEN
    metadata = shown.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if isinstance(metadata, Mapping) and isinstance(annotations, Mapping) and _LAST_APPLIED in annotations:
        applied = {**annotations, _LAST_APPLIED: _hide_text(annotations[_LAST_APPLIED])}
        shown["metadata"] = {**metadata, "annotations": applied}
    return shown


def _hide_item(item: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    shown = hide({**known, **item})
    return {key: value for key, value in shown.items() if key in item}


def _hide_text(text: object) -> str:
    """A manifest in JSON, likewise."""
    try:
        manifest = orjson.loads(str(text))
    except orjson.JSONDecodeError:
        return HIDDEN
    return orjson.dumps(hide({**manifest, "kind": "Secret"})).decode() + "\n" if isinstance(manifest, dict) else HIDDEN
