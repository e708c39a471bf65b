"""Server-side Tables to rows: ages, numbers, tones; from recorded real replies."""

import json
import time
from pathlib import Path

import pytest

from nbcontainer.clusters.columns import Decoder, age_seconds, age_text, epoch, status_tone
from nbcontainer.model.tables import Tone

RECORDINGS = Path(__file__).parents[1] / "recordings" / "cluster"


@pytest.mark.parametrize(
    ("word", "tone"),
    [
        ("Running", Tone.GOOD),
        ("Completed", Tone.DIM),
        ("Pending", Tone.WARNING),
        ("ContainerCreating", Tone.WARNING),
        ("Init:0/2", Tone.WARNING),
        ("PodInitializing", Tone.WARNING),
        ("Terminating", Tone.WARNING),
        ("NotReady", Tone.WARNING),
        ("CrashLoopBackOff", Tone.BAD),
        ("Init:CrashLoopBackOff", Tone.BAD),
        ("ImagePullBackOff", Tone.BAD),
        ("ErrImagePull", Tone.BAD),
        ("Error", Tone.BAD),
        ("OOMKilled", Tone.BAD),
        ("Evicted", Tone.BAD),
        ("CreateContainerConfigError", Tone.BAD),
    ],
)
def test_status_tones(word, tone):
    assert status_tone(word) is tone


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("5m32s", 332), ("3d4h", 273600), ("2y10d", 63936000), ("5m (x3 over 10m)", 300)],
)
def test_ages_in_seconds(text, seconds):
    assert age_seconds(text) == seconds


@pytest.mark.parametrize("text", ["<unknown>", "", "never", "5 minutes", "1e9s", "-5m"])
def test_invalid_ages(text):
    assert age_seconds(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5s"), (119, "119s"), (120, "2m"), (332, "5m32s"), (3600, "60m"), (4 * 3600 + 60, "4h1m"), (30 * 3600, "30h"),
     (50 * 3600, "2d2h"), (9 * 86400, "9d")],
)  # fmt: skip
def test_ages_are_worded_as_kubectl_does(seconds, text):
    assert age_text(seconds) == text


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-45T00:00:00Z"])
def test_no_timestamp(text):
    assert epoch(text) is None


def test_recorded_pods():
    page = json.loads((RECORDINGS / "pods-metadata.json").read_bytes())
    decoder = Decoder("Pod", with_namespace=True)
    rows = decoder.rows(page)
    assert [column.name for column in decoder.columns[:6]] == [
        "NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE",
    ]  # fmt: skip
    assert [column.kind for column in decoder.columns[3:6]] == ["status", "restarts", "age"]
    assert [column.name for column in decoder.columns if column.wide] == [
        "IP", "NODE", "NOMINATED NODE", "READINESS GATES",
    ]  # fmt: skip
    by_name = {row.name: row for row in rows}
    crash = by_name["crash"]
    assert crash.cells[2:5] == ("0/1", "Error", 2)
    assert crash.tone is Tone.BAD
    assert by_name["good"].tone is Tone.GOOD
    assert by_name["done"].tone is Tone.DIM
    assert by_name["noimage"].tone is Tone.BAD
    assert by_name["good"].labels == {"run": "good"}
    assert by_name["good"].cells[5] == epoch(
        next(one["object"] for one in page["rows"] if one["cells"][0] == "good")["metadata"]["creationTimestamp"]
    )


def test_a_table_without_objects_has_the_ages_of_its_text():
    page = json.loads((RECORDINGS / "pods-none.json").read_bytes())
    rows = Decoder("Pod", with_namespace=False).rows(page, "shop")
    assert {row.key for row in rows} >= {"shop/good", "shop/crash"}
    assert all(isinstance(row.cells[4], float) and row.cells[4] <= time.time() for row in rows)


@pytest.mark.parametrize(
    "row", [{}, {"cells": None}, {"cells": [None, 1]}, {"cells": [[1, 2], {"a": 1}], "object": None}]
)
def test_malformed_rows_do_not_break_the_table(row):
    page = {"columnDefinitions": [{"name": "Name"}, {"name": None}, {"name": "Age", "type": "date"}], "rows": [row]}
    decoder = Decoder("X", with_namespace=True)
    assert len(decoder.rows(page)) == 1
    assert len(list(decoder.keys(page))) == 1


def test_hostile_names_stay_text():
    name = "\x1b[31m<script>alert(1)</script>\u202e"
    page = {"columnDefinitions": [{"name": name}], "rows": [{"cells": [name]}]}
    decoder = Decoder("X", with_namespace=False)
    assert decoder.rows(page)[0].cells == (name,)
