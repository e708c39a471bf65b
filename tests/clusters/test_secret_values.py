"""Secrets' values are hidden in whatever shape their object comes."""

from __future__ import annotations

import base64
import binascii
import json

import pytest

from nbcontainer.clusters.secret_values import HIDDEN, hide

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
PLAIN = {
    "kind": "Secret",
    "metadata": {"name": "door"},
    "data": {"key": "b3BlbiBzZXNhbWU="},
    "stringData": {"pin": "4711"},
}
APPLIED = {
    **PLAIN,
    "metadata": {"name": "door", "annotations": {"team": "a", LAST_APPLIED: json.dumps(PLAIN)}},
}


@pytest.mark.parametrize(
    "whole",
    [
        PLAIN,
        APPLIED,
        {"kind": "List", "items": [APPLIED, {"kind": "Pod"}]},
        {"kind": "SecretList", "items": [{key: value for key, value in APPLIED.items() if key != "kind"}]},
        {"kind": "Secret", "data": "b3BlbiBzZXNhbWU="},
        {"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: "4711, not JSON"}}},
        {"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: '["4711"]'}}},
    ],
)
def test_no_value_of_a_secret_is_left(whole):
    before = json.dumps(whole)

    shown = json.dumps(hide(whole))

    assert HIDDEN in shown
    assert not [value for value in ("b3BlbiBzZXNhbWU", "4711") if value in shown]
    assert json.dumps(whole) == before, "the object itself is not changed"


def test_only_the_values_are_hidden():
    shown = hide(APPLIED)

    assert shown["data"] == {"key": HIDDEN}
    assert shown["metadata"]["name"] == "door"
    assert shown["metadata"]["annotations"]["team"] == "a"
    assert json.loads(shown["metadata"]["annotations"][LAST_APPLIED])["data"] == {"key": HIDDEN}
    assert hide({"kind": "SecretList", "items": [{"data": {"a": "eA=="}}]})["items"] == [{"data": {"a": HIDDEN}}]


@pytest.mark.parametrize(
    "other", [{"kind": "ConfigMap", "data": {"key": "value"}}, {"kind": "Secret"}, {"kind": "Secret", "data": None}, {}]
)
def test_other_objects_stay_as_they_are(other):
    assert hide(other) == other


def test_the_word_cannot_be_applied_as_a_value():
    with pytest.raises(binascii.Error):
        base64.b64decode(HIDDEN, validate=True)
