"""What may be secret: a build's secrets, and values that stay out of commands and of what is shared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Json: TypeAlias = Any  # any JSON value: objects, arrays, strings, numbers, booleans, null
Manifest: TypeAlias = Mapping[str, Json]

HIDDEN = "…"  # as in commands; it is not base64, so no cluster takes it for the data of a Secret

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


@dataclass(frozen=True, slots=True)
class Secret:
    """One build secret. Its value is read when the build asks for it, and never shown.

    Attributes:
        id: the name that `RUN --mount=type=secret,id=…` uses.
        read: returns the value.
        origin: where it comes from, in words ("env TOKEN", "file ~/.netrc", "prompt").
        asks: whether reading it prompts the user. That is done once, after the text has passed the checks, on the
            thread that starts the build.
    """

    id: str
    read: Callable[[], bytes] = field(repr=False, compare=False)
    origin: str = ""
    asks: bool = False

    def asked(self) -> Secret:
        """This secret with its value, if the user must be asked for it."""
        if not self.asks:
            return self
        value = self.read()
        return replace(self, read=lambda: value, asks=False)
