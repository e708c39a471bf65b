"""Errors are carried between processes, and copied, with all their facts."""

import copy
import json
import pickle

import pytest

from nbcontainer import errors
from nbcontainer.codec import from_json, to_json
from nbcontainer.errors import NbcontainerError, Problem
from nbcontainer.magics.calls import interrupted

EXAMPLES = [
    errors.NbcontainerError("It failed.", cure="Try again."),
    errors.UsageError("No such flag."),
    errors.YamlError(3, "a key cannot be null", cure="Quote it."),
    errors.InternalError("Unexpected KeyError; its traceback is in /a.", traceback="/a", cure="Please report it."),
    errors.DockerfileError([Problem(3, "unknown instruction", suggestion="did you mean RUN?")], cure="Mend it."),
    errors.Unsupported("build secrets", "Podman", cure="Use Docker."),
    errors.EngineUnavailable("No engine answers.", tried=["unix:///a", "unix:///b"], cure="Start one."),
    errors.ClusterUnavailable("No cluster answers.", context="dev", cure="Start one."),
    errors.ApiError("Refused.", status=418, reason="Teapot"),
    errors.NotFound("No such pod.", status=404, reason="NotFound"),
    errors.Forbidden("Not allowed.", status=403, reason="Forbidden"),
    errors.Conflict("It exists.", status=409, reason="Conflict"),
    errors.AuthFailed("Wrong password.", host="registry.example.com", reason="denied"),
    errors.BuildFailed("RUN failed.", step="[2/3] RUN false", lines=(2, 3), exit_code=1, output="a\nb", cure="See."),
    errors.PushFailed("It broke.", image="web:1", host="registry.example.com"),
    errors.PullFailed("It broke.", image="web:1", host="registry.example.com"),
    errors.CommandFailed("It ended with 3.", exit_code=3, output="no"),
    errors.Protected("prod is protected.", context="prod", cure="Name it."),
    errors.SerializationError("StepOutput.lines must be an array, not str.", path="StepOutput.lines"),
    errors.Stopped("Interrupted."),
]


def subclasses(kind):
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_there_is_an_example_of_every_error():
    public = {kind for kind in subclasses(NbcontainerError) if not kind.__name__.startswith("_")}
    assert public == {type(example) for example in EXAMPLES}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "carried",
    [
        lambda error: pickle.loads(pickle.dumps(error)),
        copy.copy,
        copy.deepcopy,
        lambda error: from_json(json.loads(json.dumps(to_json(error)))),
    ],
)
def test_an_error_is_carried_whole(error, carried):
    if isinstance(error, errors.BuildFailed):
        error.spool = "/tmp/build.log"
    other = carried(error)
    assert type(other) is type(error)
    assert other is not error
    assert (str(other), other.args, vars(other)) == (str(error), error.args, vars(error))


def test_what_a_magic_adds_to_show_it_stays_behind():
    error = interrupted()
    assert "_render_traceback_" in vars(error)
    assert vars(from_json(to_json(error))) == {"message": "Interrupted.", "cure": ""}
    assert vars(pickle.loads(pickle.dumps(error))) == {"message": "Interrupted.", "cure": ""}
