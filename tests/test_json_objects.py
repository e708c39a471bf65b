"""Readers of JSON that another program sent: nonsense counts as nothing, and never as a fault of ours."""

import pytest

from nbcontainer.json_objects import entries_of, number_of, object_of, text_of, texts_of, value_of, words_of

POD = {
    "metadata": {"name": "web", "labels": {"app": "web", "tier": 1}},
    "status": {"phase": None, "restarts": 3, "conditions": [{"type": "Ready"}, None, "x"], "words": ["a", 1]},
}
NONSENSE = (None, 7, True, "text", [], ["x"], [None], {}, {"x": 1})


def test_a_path_leads_to_a_value():
    assert value_of(POD, "metadata", "name") == "web"
    assert text_of(POD, "metadata", "name") == "web"
    assert number_of(POD, "status", "restarts") == 3
    assert object_of(POD, "metadata", "labels") == {"app": "web", "tier": 1}
    assert texts_of(POD, "metadata", "labels") == {"app": "web", "tier": "1"}
    assert entries_of(POD, "status", "conditions") == [{"type": "Ready"}]
    assert words_of(POD, "status", "words") == ["a", "1"]


def test_what_is_not_there_is_empty():
    assert value_of(POD, "spec", "nodeName") is None
    assert text_of(POD, "status", "phase") == text_of(POD, "metadata", "name", "first") == ""
    assert number_of(POD, "metadata", "name") == 0
    assert object_of(POD, "metadata", "name") == texts_of(POD, "status", "words") == {}
    assert entries_of(POD, "metadata") == words_of(POD, "metadata") == []


@pytest.mark.parametrize("found", NONSENSE)
@pytest.mark.parametrize("keys", [(), ("a",), ("a", "b")])
def test_nonsense_never_raises(found, keys):
    assert isinstance(object_of(found, *keys), dict)
    assert isinstance(entries_of(found, *keys), list)
    assert isinstance(words_of(found, *keys), list)
    assert isinstance(text_of(found, *keys), str)
    assert isinstance(number_of(found, *keys), int)
    assert isinstance(texts_of(found, *keys), dict)
