"""Label selectors for Podman's pods, since Podman has none of Kubernetes' kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from nbcontainer.errors import UsageError
from nbcontainer.json_objects import JsonObject, texts_of

Pod = JsonObject

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
_NAME = r"[A-Za-z0-9][\w./-]*"
_TERM = re.compile(
    rf"\s*(?:(?P<absent>!)?\s*(?P<bare>{_NAME})"
    rf"|(?P<key>{_NAME})\s*(?P<sign>==|=|!=)\s*(?P<value>[\w.-]*)"
    rf"|(?P<set>{_NAME})\s+(?P<word>in|notin)\s*\((?P<values>[^)]*)\))\s*(?:,|$)"
)


def matcher(selector: str, field_selector: str = "") -> Callable[[Pod], bool]:
    """A function that says whether a pod has the labels that `selector` requires.

    Raises:
        UsageError: the selector is not valid, or there is one of fields, which Podman's pods do not support.
    """
    if field_selector:
        raise UsageError(
            "Podman's pods cannot be selected by fields.", cure="Select by labels, such as `--selector app=web`."
        )
    terms = _terms(selector)
    return lambda pod: all(term(texts_of(pod, "Labels")) for term in terms)


def _terms(selector: str) -> list[Callable[[Mapping[str, str]], bool]]:
    terms = []
    position = 0
    while position < len(selector):
        match = _TERM.match(selector, position)
        if match is None:
            raise UsageError(f"{selector!r} is not a valid selector.", cure="Such as `--selector app=web,tier!=back`.")
        terms.append(_term(match))
        position = match.end()
    return terms


def _term(match: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    if match["bare"] is not None:
        name, wanted = match["bare"], match["absent"] is None
        return lambda labels: (name in labels) is wanted
    if match["key"] is not None:
        key, value, equal = match["key"], match["value"], match["sign"] != "!="
        return lambda labels: (labels.get(key) == value) is equal
    key, inside = match["set"], match["word"] == "in"
    values = {value.strip() for value in match["values"].split(",")}
    return lambda labels: (labels.get(key) in values) is inside
