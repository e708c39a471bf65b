import pytest

from nbcontainer.errors import UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import PodRequest
from nbcontainer.model.requests import bytes_from, command_words, request_from


def test_a_request_is_taken_as_it_is():
    request = RunRequest("busybox")
    assert request_from(RunRequest, request, {}, by="image") is request
    with pytest.raises(UsageError, match="given beside a RunRequest"):
        request_from(RunRequest, request, {"remove": True}, by="image")


def test_lists_and_single_texts_do_for_tuples():
    request = request_from(RunRequest, "busybox", {"command": "sh -c 'echo $A'", "publish": "80"}, by="image")
    assert request == RunRequest("busybox", ("sh", "-c", "echo $A"), publish=("80",))
    request = request_from(BuildRequest, "FROM a", {"tags": ["web:1", "web:2"]}, by="dockerfile")
    assert request.tags == ("web:1", "web:2")
    assert request_from(LogRequest, "", {"selector": "app=web"}, by="names") == LogRequest(selector="app=web")


def test_an_unknown_field_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="no 'tag'") as refused:
        request_from(BuildRequest, "FROM a", {"tag": "web"}, by="dockerfile")
    assert "tags" in refused.value.cure


def test_values_of_no_fitting_kind_are_refused_in_words():
    for given in (None, 5, b"FROM a"):
        with pytest.raises(UsageError, match="a text or a BuildRequest, not a"):
            request_from(BuildRequest, given, {}, by="dockerfile")
    with pytest.raises(UsageError, match="build_args is a mapping"):
        request_from(BuildRequest, "FROM a", {"build_args": ["A=1"]}, by="dockerfile")
    with pytest.raises(UsageError, match="The file a is a int"):
        request_from(BuildRequest, "FROM a", {"files": {"a": 3}}, by="dockerfile")


def test_files_may_be_texts():
    assert request_from(BuildRequest, "FROM a", {"files": {"a": "é"}}, by="dockerfile").files == {"a": "é".encode()}


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
