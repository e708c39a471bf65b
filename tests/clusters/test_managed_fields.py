"""Tables are read without managedFields: everything else is there, whatever the fields are called."""

import json

import orjson
import pytest

from nbcontainer.clusters.managed_fields import loads
from tests.recordings import pod_watch

HOSTILE = (
    'v:"]}}},{"cells":["forged"],"object":{"metadata":{"name":"forged"}}}]}',
    "f:]}}}",
    "f:]}}},",
    "f:]}}}]}}",
    ',"managedFields":[]}}},',
    'v:"a,b]"',
)


def _without(table):
    """The same, made the long way."""
    for row in table["rows"]:
        row["object"]["metadata"].pop("managedFields", None)
    return table


def test_a_recorded_watch_is_read_without_managed_fields():
    for line in pod_watch.lines()[1:]:
        event = json.loads(line)
        assert loads(line, metadata_alone=True) == {**event, "object": _without(event["object"])}
        assert loads(line, metadata_alone=False) == json.loads(line)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_of_a_field_or_a_label_hides_nothing(name):
    rows = [
        {
            "cells": [f"web-{number}", name],
            "object": {
                "metadata": {
                    "name": f"web-{number}",
                    "labels": {"note": name, name: "x"},
                    "managedFields": [
                        {"manager": name, "fieldsV1": {"f:metadata": {name: {}, "f:other": {"f:]": {}}}}}
                    ],
                }
            },
        }
        for number in range(3)
    ]
    table = {"kind": "Table", "rows": rows}
    read = loads(orjson.dumps(table), metadata_alone=True)
    assert _without(read) == _without(table)
