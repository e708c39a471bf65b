"""Which values may be secret, so that they are neither in a command nor in what is written for others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

__all__ = ["HIDDEN", "Manifest", "is_secret", "without_secrets"]

Json: TypeAlias = Any  # what JSON can say: objects, arrays, texts, numbers, booleans, null
Manifest: TypeAlias = Mapping[str, Json]

HIDDEN = "…"  # as commands have it; not base64, so that no cluster takes it for the data of a Secret

_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH|PWD", re.IGNORECASE)
_VALUE = re.compile(r"://[^/\s]*:[^/\s]*@")  # a URL with a password
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # kubectl's copy of the whole manifest


def is_secret(name: str, value: str) -> bool:
    """Whether an environment variable's value may be secret."""
    return bool(_NAME.search(name) or _VALUE.search(value))


def without_secrets(manifest: Json) -> Json:
    """A manifest with `HIDDEN` for the values of Secrets and of environment variables that may be secret."""
    if isinstance(manifest, list):
        return [without_secrets(item) for item in manifest]
    if not isinstance(manifest, Mapping):
        return manifest
    shown = {key: HIDDEN if key == _LAST_APPLIED else without_secrets(value) for key, value in manifest.items()}
    match manifest:
        case {"kind": "Secret"}:
            for part in ("data", "stringData"):
                if isinstance(shown.get(part), Mapping):
                    shown[part] = dict.fromkeys(shown[part], HIDDEN)
        case {"name": str(name), "value": str(value)} if is_secret(name, value):
            shown["value"] = HIDDEN
    return shown
