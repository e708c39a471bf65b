"""One wording for each fact about an object's existence, whatever its kind."""

import json
import re
from pathlib import Path

import pytest

import nbcontainer
from nbcontainer import existence
from nbcontainer.engines.failures import api_error
from nbcontainer.errors import ApiError, NotFound

PACKAGE = Path(nbcontainer.__file__).parent


def test_the_words():
    assert existence.none_called("volume", "data", "Docker") == "There is no volume data in Docker."
    assert existence.none_called("pod", ["a", "b"], "dev · shop") == "There are no pods a, b in dev · shop."
    assert existence.no_objects("volume", "Docker", which="unused") == "There are no unused volumes in Docker."
    assert existence.no_objects("pod", "dev", condition="with a=b") == "There are no pods with a=b in dev."
    assert existence.not_found("image", "wbe", "Docker", known=["web:latest"]).cure == "Did you mean web?"
    taken = existence.already_exists("network", "web", "Docker", cure="x")
    assert (taken.message, taken.status) == ("There is already a network web in Docker.", 409)
    used = existence.in_use("volume", "data", ["a", "b", "c", "d"], cure="x")
    assert used.message == "The volume data is used by a, b, c and 1 more."


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("web", "web"),
        ("é", "é"),
        ("", "''"),
        ("a b", "'a b'"),
        ("x\x1b[31m", r"'x\x1b[31m'"),
        ("x\u202eb", r"'x\u202eb'"),
        ("a" * 101, f"'{'a' * 99}…'"),
    ],
)
def test_a_name_that_would_not_read_as_one_is_quoted(name, shown):
    assert existence.shown_name(name) == shown


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (404, "No such container: web", "There is no container web in E."),
        (404, 'no container with name or ID "web" found: no such container', "There is no container web in E."),
        (404, "No such image: web:latest", "There is no image web:latest in E."),
        (404, "failed to find image web: docker.io/library/web: image not known", "There is no image web in E."),
        (404, "failed to set up container networking: network web not found", "There is no network web in E."),
        (500, "container create: unable to find network with name or ID web: network not found",
         "There is no network web in E."),
        (404, "get web: no such volume: web", "There is no volume web in E."),
    ],
)  # fmt: skip
def test_what_engines_say_is_said_in_these_words(status, said, message):
    error = api_error(status, json.dumps({"message": said}).encode(), {}, "E")
    assert (type(error), error.message) == (NotFound, message)
    assert "lists them" in error.cure


def test_any_other_refusal_is_the_engine_s_own():
    error = api_error(409, b'{"message": "No such container: web, but"}', {}, "E")
    assert error.message == "No such container: web, but"
    assert type(api_error(500, b'{"message": "broken"}', {}, "E")) is ApiError


def test_no_other_module_words_these_facts():
    facts = re.compile(
        r'"[^"\n]*(There (is|are) no (such |unused )?(container|image|volume|network|pod)s?\b'
        r"|already is a |is used by \{)"
    )
    for path in PACKAGE.rglob("*.py"):
        if path.name != "existence.py":
            found = [line.strip() for line in path.read_text("utf-8").splitlines() if facts.search(line)]
            assert not [line for line in found if '"""' not in line], path
