import pytest

from nbcontainer.errors import UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.requests import bytes_from, command_words, request_of


def test_a_request_of_the_arguments_of_a_call():
    given = {"self": None, "dockerfile": "FROM a", "tags": ["web:1", "web:2"], "ulimits": "nofile=9", "labels": None}
    request = request_of(BuildRequest, {**given, "files": {"a": "é", "b": b"c"}, "context": None})
    assert (request.tags, request.ulimits, request.labels) == (("web:1", "web:2"), ("nofile=9",), {})
    assert request.files == {"a": "é".encode(), "b": b"c"}
    for name, value, said in (("build_args", ["A=1"], "build_args is a mapping"), ("files", {"a": 3}, "a is a int")):
        with pytest.raises(UsageError, match=said):
            request_of(BuildRequest, {"dockerfile": "FROM a", name: value})


def test_a_command_is_words_or_one_text_as_a_shell_reads_it():
    assert command_words(["sh", "-c", "echo $A"]) == command_words("sh -c 'echo $A'") == ("sh", "-c", "echo $A")
    with pytest.raises(UsageError, match="No closing quotation"):
        command_words("echo 'a")


def test_a_content_is_a_text_or_bytes():
    assert bytes_from("stdin", "é") == bytes_from("stdin", bytearray("é".encode())) == "é".encode()
    with pytest.raises(UsageError, match="stdin is a list, not str or bytes"):
        bytes_from("stdin", ["a"])


def test_a_number_is_no_list():
    with pytest.raises(UsageError, match="tags is a list, not a int"):
        request_of(BuildRequest, {"tags": 5})
