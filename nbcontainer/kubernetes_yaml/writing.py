"""A value → YAML that Kubernetes reads as that value."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import yaml

from nbcontainer.kubernetes_yaml.scalars import resolve


def write_yaml(value: object) -> str:
    """A JSON value as YAML, in the order of its keys. Text that would be read as something else is quoted.

    Text of several lines is a block, as kubectl writes it, so that a difference between two of them shows its lines.
    """
    return _dump()(value)


@cache
def _dump() -> Callable[[object], str]:
    class Dumper(yaml.SafeDumper):
        """Quotes by our own rules: PyYAML's would leave `y`, `0o17` and `1e3` without quotes."""

        def ignore_aliases(self, _: object) -> bool:
            """Write a value that is used twice in full both times: no anchors in a text for people."""
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None if resolve(value) == value and value != "<<" else "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return lambda value: str(yaml.dump(value, Dumper=Dumper, sort_keys=False, width=math.inf))
