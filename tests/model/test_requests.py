import pytest

from nbcontainer.errors import UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.requests import bytes_from, command_words, request_of


def test_a_request_of_the_arguments_of_a_call():
    given = {"self": None, "dockerfile": "FROM a", "tags": ("web:1", "web:2"), "labels": None}
    request = request_of(BuildRequest, {**given, "files": {"a": "é", "b": b"c"}, "context": None})
    assert (request.tags, request.labels, request.context) == (("web:1", "web:2"), {}, None)
    assert request.files == {"a": "é".encode(), "b": b"c"}


def test_a_command_is_words_or_one_text_as_a_shell_reads_it():
    assert command_words(["sh", "-c", "echo $A"]) == command_words("sh -c 'echo $A'") == ("sh", "-c", "echo $A")
    with pytest.raises(UsageError, match="No closing quotation"):
        command_words("echo 'a")


def test_a_content_is_a_text_or_bytes():
    assert bytes_from("stdin", "é") == bytes_from("stdin", bytearray("é".encode())) == "é".encode()
    with pytest.raises(UsageError, match="stdin is a list, not str or bytes"):
        bytes_from("stdin", ["a"])
