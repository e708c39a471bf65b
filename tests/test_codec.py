"""Every event, state and result as JSON and back: all classes, real recordings, hostile documents."""

import ast
import base64
import importlib
import json
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum, StrEnum
from inspect import isabstract
from itertools import accumulate
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbcontainer
from nbcontainer.api.containers import ContainerRun
from nbcontainer.api.pod import Pod
from nbcontainer.api.volumes import Volume, Volumes
from nbcontainer.clusters.columns import Decoder
from nbcontainer.codec import NOT_DATA, VERSION, from_json, known_types, to_json
from nbcontainer.errors import NbcontainerError, Problem, SerializationError, restored
from nbcontainer.model import build, changes, images, logs, pods, tables
from nbcontainer.model.build_steps import BuildStep
from nbcontainer.model.commands import Expanded
from nbcontainer.model.containers import RunRequest, RunResult
from nbcontainer.model.json_forms import form_of
from nbcontainer.model.log_lines import LogChunk, LogLine, chunks_of
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.results import Described, Description, Objects, Remark, Report
from nbcontainer.model.secrecy import HIDDEN, Secret, without_secrets
from nbcontainer.model.tables import Row, Table, Tone, Words
from nbcontainer.views.html import as_html
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.recordings import build_events, push_events

NEEDS_A_CALLABLE = {"Secret"}


def through_json(value):
    """The value after a round trip through a file's text."""
    found = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))
    assert type(found) is type(value)
    return found


# all classes


def public_classes():
    """The model's and the API's classes, found by module, independently of the codec."""
    for found in pkgutil.walk_packages(nbcontainer.__path__, "nbcontainer."):
        if found.name.split(".")[1] not in {"model", "api"}:
            continue
        module = importlib.import_module(found.name)
        for item in vars(module).values():
            if isinstance(item, type) and item.__module__ == module.__name__ and not item.__name__.startswith("_"):
                yield item


def values_of(hint):  # noqa: PLR0911 - a return for each kind of hint
    """Values for a type hint, by rules independent of the codec."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
            max_leaves=4,
        )
    if Callable in {origin, *map(get_origin, arguments)}:
        return st.none()
    if hint is float:
        return st.floats(allow_nan=False)
    if origin in (tuple, Sequence) and (origin is Sequence or arguments[1:] == (...,)):
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, arguments))
    if origin is Mapping:
        return st.dictionaries(*map(values_of, arguments), max_size=2)
    if arguments:
        return st.one_of(*map(values_of, arguments))
    return values_of_class(hint.__bound__ if isinstance(hint, TypeVar) else hint)


def values_of_class(kind):
    if kind is Described:
        kind = Volume
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        given = {one.name: hints[one.name] for one in fields(kind) if not one.name.startswith("_")}
        return st.deferred(lambda: st.builds(kind, **{name: values_of(inner) for name, inner in given.items()}))
    if kind in (str, bool, int, bytes, NoneType) or issubclass(kind, Enum):
        return st.from_type(kind)
    if issubclass(kind, NbcontainerError):
        facts = {name: values_of(hint) for name, hint in get_type_hints(kind).items() if name[0] != "_"}
        return st.fixed_dictionaries(facts).map(lambda facts: restored(kind, (facts["message"],), facts))
    if hasattr(kind, "_fields"):  # a named tuple
        return st.tuples(*map(values_of, get_type_hints(kind).values())).map(kind._make)
    bases = vars(kind).get("__orig_bases__", kind.__bases__)
    return values_of(bases[0]).map(kind)


def same(value):
    """What equality ignores: nested classes, and those compared by identity."""
    if is_dataclass(value):
        return type(value), {one.name: same(getattr(value, one.name)) for one in fields(value) if one.compare}
    if isinstance(value, Exception):
        return type(value), value.args, {name: same(item) for name, item in vars(value).items()}
    if isinstance(value, Mapping):
        return type(value), [(key, same(item)) for key, item in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return type(value), [same(item) for item in value]
    return type(value), value


def test_no_class_is_forgotten():
    written = set(known_types().values())
    for item in public_classes():
        told = ".model." in item.__module__ and not item.__name__.endswith("Request") and not issubclass(item, Enum)
        told = told and item.__name__ not in NOT_DATA
        assert (item in written) is ((told or issubclass(item, Described | RunResult)) and not isabstract(item)), item
    assert {build.StepOutput, build.BuildState, build.BuildResult, Table, logs.LogState, Words, Volume} < written


def test_every_event_and_result_of_an_operation_is_encoded():
    told = set()
    for path in Path(nbcontainer.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) in {"Operation", "LogOperation"}:
                names = getattr(node.slice, "elts", [node.slice])
                told |= {ast.unparse(name).rpartition(".")[2] for name in names}
    told -= {"Any", "object", "Event", "State", "Result"}  # of code for all operations
    assert {"BuildEvent", "BuildState", "BuildResult", "TableEvent", "Changes"} <= told
    unions = {"BuildEvent": build, "LogEvent": logs, "TableEvent": tables, "TransferEvent": images}
    for name in told:
        kinds = get_args(getattr(unions[name], name)) if name in unions else [known_types().get(name)]
        assert set(kinds) <= set(known_types().values()), name


@pytest.mark.parametrize("name", sorted(set(known_types()) - NEEDS_A_CALLABLE))
def test_values_of_each_class_come_back(name):
    @settings(max_examples=20, deadline=None)
    @given(values_of(known_types()[name]))
    def check(value):
        assert same(through_json(value)) == same(value)

    check()


@pytest.mark.parametrize("item", list(filter(is_dataclass, known_types().values())), ids=lambda item: item.__name__)
def test_private_and_callable_fields_are_not_compared(item):
    hints = get_type_hints(item)
    for one in fields(item):
        parts = (hints[one.name], *get_args(hints[one.name]))
        if one.name.startswith("_") or Callable in map(get_origin, parts):
            assert not one.compare, one.name
            assert not one.repr, one.name


# real recordings


def folded(apply, state, events):
    return list(accumulate(events, apply, initial=state))


def assert_drawn_alike(result):
    found, drawn = picture_of(through_json(result)), picture_of(result)
    assert found == drawn
    assert as_text(found) == as_text(drawn)
    assert as_html(found) == as_html(drawn)
    assert repr(through_json(result)) == repr(result)


@pytest.mark.parametrize("name", build_events.CASES)
def test_a_recorded_build_folds_and_draws_alike(name):
    events = [event for _, event in build_events.read(name)]
    assert len(events) > 30
    states = folded(build.apply_build, build.BuildState(), events)
    assert folded(build.apply_build, build.BuildState(), map(through_json, events)) == states
    for state in states[::10] + states[-1:]:
        assert same(through_json(state)) == same(state)
    state = states[-1]
    assert_drawn_alike(build.BuildResult(state.id, state.digest, ("a:1",), state.size, 2.5, state, "docker build"))


def test_a_recorded_push_folds_and_draws_alike():
    states = folded(images.apply_transfer, images.TransferState(), push_events.EVENTS)
    assert folded(images.apply_transfer, images.TransferState(), map(through_json, push_events.EVENTS)) == states
    assert_drawn_alike(images.TransferResult("team/go", states[-1].digest, states[-1].size, 4.5, states[-1]))


def test_recorded_pods_fold_and_are_drawn_alike():
    recording = Path(build_events.__file__).parent / "cluster/pods-metadata.json"
    decoder = Decoder("Pod", with_namespace=True)
    rows = tuple(decoder.rows(json.loads(recording.read_bytes())))
    changed = replace(rows[-1], key="zz", cells=(*rows[-1].cells[:-1], True))
    events = [
        tables.TableReset(decoder.columns, rows, "pods", "here", by_key=True),
        tables.TableChanged((changed,), (rows[0].key,)),
        tables.TableLive(live=False, note="reconnecting"),
    ]
    states = folded(tables.apply_table, tables.TableState(), events)
    assert folded(tables.apply_table, tables.TableState(), map(through_json, events)) == states
    assert list(through_json(states[-1]).rows) == list(states[-1].rows)
    assert_drawn_alike(Table(states[-1], "kubectl get pods", wide=True))


LOG = (
    logs.LogSource("web-1", open=True),
    logs.LogLines(
        tuple(chunks_of([LogLine("web-1", "\x1b[32mok\x1b[0m <b> ☃", 1700000000.25), LogLine("web-1", "", 0.0)]))
    ),
    logs.LogLines((LogChunk("web-1", b"not UTF-8: \xff\xfe\r\n", 1, "stderr", size=14),)),
    logs.LogGap("2 lines are missing"),
    logs.LogEnded(Outcome.FAILED, exit_code=3),
)
RESULTS = [
    logs.LogResult(folded(logs.apply_logs, logs.LogState("web"), LOG)[-1], "kubectl logs web"),
    logs.LogResult(folded(logs.apply_logs, logs.LogState("web"), LOG)[-1]).where(level="info", n=[1, 2]),
    logs.LogResult(folded(logs.apply_logs, logs.LogState("web"), LOG)[-1]).chart(),
    RunResult("0123456789abcdef", "web", 0, "a\nb", "/tmp/web.log", "docker run", 12, ("cut",)),
    ContainerRun("0123456789abcdef", "web", command="docker run -d"),
    pods.ExecResult(0, "out", "err", "/tmp/exec.log", cut=5),
    changes.Changes([changes.Change("Pod", "web", "shop", "created", manifest={"spec": {"containers": [{"a": 1.5}]}})]),
    Description("Pod", "web", sections=(("", (("Name", "web"),)),), events=(("Warning", "Failed", "no"),)),
    Report((Remark("it works"), Remark("it does not", Tone.BAD, "Try again.")), "docker login"),
    Words(("a", "b")),
    Volume("data", "local", "/var/lib/data", 1700000000.0, labels={"a": "b"}, where="Docker", command="docker volume"),
    Objects([Volume("data"), Volume("other")]),
    Pod(
        "web",
        "shop",
        {"name": "web", "status": "Running", "age": 1700000000.0},
        {"app": "web"},
        "prod · shop",
        "kubectl",
    ),
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_results_are_drawn_alike(result):
    assert same(through_json(result)) == same(result)
    assert_drawn_alike(result)


def test_several_objects_have_one_command():
    found = Objects([Volume("data", command="docker volume inspect data"), Volume("a b", command="…")])
    assert found.command == "docker volume inspect data 'a b'"
    assert Objects().command == ""
    change = changes.Change("Pod", "web", "", "deleted", command="podman pod rm web")
    other = replace(change, name="db", command="podman pod rm db")
    assert changes.Changes([change, change, other]).command == "podman pod rm web && podman pod rm db"


# what is left out


def test_a_live_table_comes_back_still():
    table = through_json(Table(tables.TableState("pods", rows={"a": Row("a", ("web",))}), follow=lambda: None))
    assert table.follow is None
    assert table.names == [""]


def test_an_object_of_the_api_comes_back_without_its_handle():
    volume = Volume("data", _volumes=Volumes(None))
    assert through_json(volume) == volume
    assert through_json(volume)._volumes is None
    assert through_json(Objects([volume]))[0]._volumes is None


def test_requests_and_secrets_are_not_written():
    for value in (
        build.BuildRequest("FROM a", build_args={"TOKEN": "hunter2"}),
        RunRequest("a", environment={"PASSWORD": "hunter2"}),
        Secret("token", lambda: b"hunter2"),
    ):
        with pytest.raises(SerializationError, match=f"^{type(value).__name__} has no JSON form") as caught:
            to_json(value)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(SerializationError):
        from_json({"version": VERSION, "type": "Secret", "value": {"id": "token"}})


MANIFEST = {
    "kind": "List",
    "items": [
        {"kind": "Secret", "metadata": {"name": "a"}, "data": {"x": "aHVudGVyMg=="}, "stringData": {"y": "hunter2"}},
        {
            "kind": "Pod",
            "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"value":"hunter2"}'}},
            "spec": {
                "containers": [
                    {
                        "env": [
                            {"name": "DB_PASSWORD", "value": "hunter2"},
                            {"name": "DATABASE", "value": "postgres://me:hunter2@db/"},
                            {"name": "COLOUR", "value": "blue"},
                            {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "x"}}},
                        ]
                    }
                ]
            },
        },
    ],
}


@pytest.mark.parametrize("kind", [changes.Change, Description])
def test_a_manifest_is_written_without_secrets(kind):
    given = {"kind": "List", "name": "a", "namespace": "b", "manifest": MANIFEST}
    value = kind(**given, action="created") if kind is changes.Change else kind(**given)
    text = json.dumps(to_json(value))
    assert "hunter2" not in text
    assert "aHVudGVyMg" not in text
    secret, pod = through_json(value).manifest["items"]
    assert secret["data"] == {"x": HIDDEN}
    assert secret["metadata"] == {"name": "a"}
    assert pod["spec"]["containers"][0]["env"][2:] == MANIFEST["items"][1]["spec"]["containers"][0]["env"][2:]
    assert without_secrets({"kind": "Secret", "data": None}) == {"kind": "Secret", "data": None}


# type hints


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Node:
    """A class that holds values of its own class."""

    children: "tuple[Node, ...]" = ()
    other: "Node | Problem | str | float | None" = None


@pytest.mark.parametrize(
    ("hint", "value", "document"),
    [
        (float, math.inf, "Infinity"),
        (float, -math.inf, "-Infinity"),
        (float, 3, 3),
        (float | None, -math.inf, "-Infinity"),
        (str | float, 1.5, 1.5),
        (str | float, "Infinity", "Infinity"),
        (str | float, math.inf, {"type": "float", "value": "Infinity"}),
        (str | int | float | bool | None, True, True),
        (bytes, b"\x00\xff", "AP8="),
        (bytes | str, b"a", {"type": "bytes", "value": "YQ=="}),
        (datetime, datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (list[int], [1], [1]),
        (frozenset[str], frozenset({"b", "a"}), ["a", "b"]),
        (set[int], {1}, [1]),
        (tuple[()], (), []),
        (tuple[int, str] | None, (1, "a"), [1, "a"]),
        (Mapping[int, str], {2: "b", 1: "a"}, [[2, "b"], [1, "a"]]),
        (Mapping[Colour, int], {Colour.RED: 1}, [["red", 1]]),
        (Colour | int, Colour.RED, {"type": "Colour", "value": "red"}),
        (Literal["a", "b"], "a", "a"),
        (Expanded, Expanded("$a"), "$a"),
        (Node, Node((Node(),), "a"), {"children": [{"children": [], "other": None}], "other": "a"}),
        (
            Node,
            Node(other=Node()),
            {"children": [], "other": {"type": "Node", "value": {"children": [], "other": None}}},
        ),
    ],
)
def test_forms(hint, value, document):
    form = form_of(hint)
    assert form.encode(value) == document
    found = form.decode(json.loads(json.dumps(document)))
    assert found == value
    assert type(found) is type(value) or hint is float


def test_nan_comes_back():
    assert math.isnan(form_of(float).decode(form_of(float).encode(math.nan)))


def test_a_field_may_be_added():
    document = to_json(build.StepOutput("a", ("x",), "stderr", 5.0))
    del document["value"]["stream"]
    assert from_json(document, build.StepOutput) == build.StepOutput("a", ("x",), "stdout", 5.0)


@dataclass
class Live:
    lock: object = field(default_factory=object)


@pytest.mark.parametrize("hint", [Live, object, tuple[int, ...] | str | None, tuple[type, ...], list])
def test_what_is_not_plain_data_has_no_form(hint):
    with pytest.raises(SerializationError, match="no JSON form"):
        form_of(hint).encode(hint())


# malformed values


@dataclass(frozen=True)
class Longer(LogChunk):
    """A class whose extra field would be lost."""

    more: str = ""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "int has no JSON form: only events, states, results and errors have one."),
        (build.StepOutput("a", ["x"]), "StepOutput.lines must be tuple, not list."),
        (build.StepOutput("a", ("x", 5)), "StepOutput.lines[1] must be str, not int."),
        (
            build.BuildState(steps={"line 1": BuildStep("a", "b", state="done")}),
            "BuildState.steps['line 1'].state must be StepState, not str.",
        ),
        (logs.LogLines((Longer("a", b"b", 1),)), "LogLines.chunks[0] must be LogChunk, not Longer."),
        (logs.LogLines((LogChunk("a", "b", 1),)), "LogLines.chunks[0].data must be base64."),
        (images.LayerProgress(None), "LayerProgress.layer must be LayerState, not NoneType."),
        (tables.Row("a", ((),)), "Row.cells[0] must be str or int or float or bool or NoneType, not tuple."),
        (
            changes.Change("a", "b", "c", "d", manifest={"x": [(1,)]}),
            "Change.manifest.x[0] must be JSON, not tuple.",
        ),
    ],
)
def test_what_does_not_hold_its_types_is_refused(value, message):
    with pytest.raises(SerializationError) as caught:
        to_json(value)
    assert str(caught.value) == message


EVENT = {"version": VERSION, "type": "StepOutput", "value": {"id": "a", "lines": ["x"]}}
OURS = "This was not written by nbcontainer: it must have a version, a type and a value."


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, OURS),
        ([1], OURS),
        ({"version": 1, "type": "StepOutput"}, OURS),
        (
            {**EVENT, "version": 2},
            "This is version 2 of the JSON form; this nbcontainer reads version 1.\nUpdate nbcontainer.",
        ),
        ({**EVENT, "version": "x"}, "This is version 'x' of the JSON form; this nbcontainer reads version 1."),
        (
            {**EVENT, "type": "Popen"},
            "'Popen' is not an event, a state, a result or an error that this nbcontainer knows.",
        ),
        ({**EVENT, "type": []}, "list is not an event, a state, a result or an error that this nbcontainer knows."),
        ({**EVENT, "value": []}, "StepOutput must be an object, not list."),
        ({**EVENT, "value": {"lines": []}}, "StepOutput lacks id."),
        ({**EVENT, "value": {"id": "a", "lines": [], "x\x1b": 1}}, "StepOutput has no field 'x\\x1b'."),
        ({**EVENT, "value": {"id": "a", "lines": "x"}}, "StepOutput.lines must be an array, not str."),
        ({**EVENT, "value": {"id": "a", "lines": ["x", None]}}, "StepOutput.lines[1] must be str, not NoneType."),
        ({**EVENT, "value": {"id": "a", "lines": [], "time": "1"}}, "StepOutput.time must be a number."),
        ({**EVENT, "value": {"id": "a", "lines": [], "time": 10**400}}, "StepOutput.time must be a number."),
        (
            {"version": 1, "type": "StepFinished", "value": {"id": "a", "state": "gone"}},
            "StepFinished.state must be a StepState.",
        ),
        (
            {"version": 1, "type": "SourceMap", "value": {"lines": [["a", 1, 2]]}},
            "SourceMap.lines[0] must have 2 items, not 3.",
        ),
        (
            {"version": 1, "type": "Row", "value": {"key": "a", "cells": [{"type": "Row", "value": {}}]}},
            "Row.cells[0] must be str or int or float or bool or NoneType, with its type and its value.",
        ),
    ],
)
def test_documents_that_are_not_ours_are_refused(document, message):
    with pytest.raises(SerializationError) as caught:
        from_json(document)
    assert str(caught.value) == message
    if "." in caught.value.path:
        assert message.startswith(caught.value.path)


def test_another_class_than_expected_is_refused():
    with pytest.raises(SerializationError, match=r"^This is a StepOutput, not a BuildState\.$"):
        from_json(EVENT, build.BuildState)


def test_invalid_bytes_and_times_are_refused():
    for hint, document in ((bytes, "a"), (bytes, 5), (datetime, "soon"), (datetime, 5), (Mapping[int, int], [[[], 1]])):
        with pytest.raises(Exception, match="must be") as caught:
            form_of(hint).decode(document)
        assert type(caught.value).__name__ == "_Mismatch"
    assert form_of(bytes).decode(base64.b64encode(b"a").decode()) == b"a"


def test_no_document_is_nested_so_deeply_that_it_breaks_us():
    manifest: list = []
    for _ in range(100_000):
        manifest = [manifest]
    document = to_json(changes.Change("a", "b", "c", "d"))
    document["value"]["manifest"] = {"x": manifest}
    with pytest.raises(SerializationError, match="nested too deeply"):
        from_json(document)
    while manifest:  # otherwise the interpreter would free it recursively
        manifest = manifest.pop()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_document_that_was_changed_anywhere_gives_a_value_or_our_error(data):
    name = data.draw(st.sampled_from(sorted(set(known_types()) - NEEDS_A_CALLABLE)))
    document = json.loads(json.dumps(to_json(data.draw(values_of(known_types()[name])))))
    place = document
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(values_of(Any))
        break
    try:
        from_json(document)
    except SerializationError as error:
        assert error.message  # noqa: PT017 - most documents are refused, some are still right
