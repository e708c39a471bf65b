import pytest

from nbcontainer.errors import UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import PodRequest
from nbcontainer.model.requests import bytes_from, command_words, request_from, request_of


def test_a_request_is_taken_as_it_is():
    request = RunRequest("busybox")
    assert request_from(RunRequest, request, {}, by="image") is request
    with pytest.raises(UsageError, match="given beside a RunRequest"):
        request_from(RunRequest, request, {"remove": True}, by="image")


def test_lists_and_single_texts_do_for_tuples():
    request = request_from(RunRequest, "busybox", {"command": "sh -c 'echo $A'", "publish": "80"}, by="image")
    assert request == RunRequest("busybox", ("sh", "-c", "echo $A"), publish=("80",))
    assert request_from(LogRequest, "", {"selector": "app=web"}, by="names") == LogRequest(selector="app=web")


def test_an_unknown_field_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="no 'volume'") as refused:
        request_from(RunRequest, "a", {"volume": "web"}, by="image")
    assert "volumes" in refused.value.cure


def test_values_of_no_fitting_kind_are_refused_in_words():
    for given in (None, 5, b"a"):
        with pytest.raises(UsageError, match="a text or a RunRequest, not a"):
            request_from(RunRequest, given, {}, by="image")
    with pytest.raises(UsageError, match="environment is a mapping"):
        request_from(RunRequest, "a", {"environment": ["A=1"]}, by="image")


def test_a_request_of_the_arguments_of_a_call():
    given = {"self": None, "dockerfile": "FROM a", "tags": ["web:1", "web:2"], "ulimits": "nofile=9", "labels": None}
    request = request_of(BuildRequest, {**given, "files": {"a": "é", "b": b"c"}, "context": None})
    assert (request.tags, request.ulimits, request.labels) == (("web:1", "web:2"), ("nofile=9",), {})
    assert request.files == {"a": "é".encode(), "b": b"c"}
    for name, value, said in (("build_args", ["A=1"], "build_args is a mapping"), ("files", {"a": 3}, "a is a int")):
        with pytest.raises(UsageError, match=said):
            request_of(BuildRequest, {"dockerfile": "FROM a", name: value})


def test_what_is_missing_or_no_number_is_said():
    with pytest.raises(UsageError, match="image: missing for the PodRequest"):
        request_from(PodRequest, "x", {}, by="name")
    for words in ({"since": "zz"}, {"tail": 1.5}, {"timeout": True}):
        with pytest.raises(UsageError, match="is a number, not"):
            request_from(LogRequest, "web", words, by="names")


def test_a_command_is_words_or_one_text_as_a_shell_reads_it():
    assert command_words(["sh", "-c", "echo $A"]) == command_words("sh -c 'echo $A'") == ("sh", "-c", "echo $A")
    with pytest.raises(UsageError, match="No closing quotation"):
        command_words("echo 'a")


def test_a_content_is_a_text_or_bytes():
    assert bytes_from("stdin", "é") == bytes_from("stdin", bytearray("é".encode())) == "é".encode()
    with pytest.raises(UsageError, match="stdin is a list, not str or bytes"):
        bytes_from("stdin", ["a"])
