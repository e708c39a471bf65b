"""Errors are pickled and copied with all their facts."""

import ast
import copy
import json
import pickle
import re
from pathlib import Path

import pytest

from nbcontainer import errors
from nbcontainer.codec import from_json, to_json
from nbcontainer.errors import NbcontainerError, Problem
from nbcontainer.magics.presenting import interrupted, presentable
from nbcontainer.verbs.wording import keywords

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
    errors.LinesMissing("The log web lacks 3 lines.", first=7, count=3, cure="See its end."),
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


def test_every_error_has_an_example():
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
        error = error.replaced(spool="/tmp/build.log")
    other = carried(error)
    assert type(other) is type(error)
    assert other is not error
    assert (str(other), other.args, vars(other)) == (str(error), error.args, vars(error))


def test_what_a_magic_adds_for_display_is_not_copied():
    error = interrupted()
    assert "_render_traceback_" in vars(error)
    assert vars(from_json(to_json(error))) == {"message": "Interrupted.", "cure": ""}
    assert vars(pickle.loads(pickle.dumps(error))) == {"message": "Interrupted.", "cure": ""}


def test_a_fact_is_set_once():
    error = errors.NotFound("No such pod.", status=404)
    with pytest.raises(AttributeError):
        error.cure = "Look elsewhere."
    other = error.replaced(cure="Look elsewhere.")
    assert (type(other), other.status, other.cure, error.cure) == (errors.NotFound, 404, "Look elsewhere.", "")
    error.add_note("Python's own facts are not ours.")


@pytest.mark.parametrize(
    ("cure", "in_python"),
    [
        ("Look: `%docker volume ls`.", "Look: `nbc.volumes.list()`."),
        ("`%docker volume rm -f data old`", "`nbc.volumes.remove('data', 'old', force=True)`"),
        ("`%docker volume ls --context=prod`", "`nbc.engine('prod').volumes.list()`"),
        ("Run `%docker login quay.io`.", "Run `nbc.registries.login('quay.io', username=…, password=…)`."),
        ("`%docker login` once", "`nbc.registries.login(username=…, password=…)` once"),
        ("See whether it runs: `%nbcontainer doctor`", "See whether it runs: `nbc.doctor()`"),
        ("`%kpod logs -f web -n shop` waits", "`nbc.cluster(namespace='shop').pods.logs('web', follow=True)` waits"),
        ("`%kpod get --context=prod` lists them.", "`nbc.cluster('prod').pods.list()` lists them."),
        ("`docker context ls` shows them.", "`docker context ls` shows them."),
        ("`%docker frobnicate`", "`%docker frobnicate`"),
        ("`%docker pull` fetches one.", "`nbc.images.pull(…)` fetches one."),
        ("`%docker pull --context=prod` fetches one.", "`nbc.engine('prod').images.pull(…)` fetches one."),
        ("Push it (`%docker push`).", "Push it (`nbc.images.push(…)`)."),
        ("Stop it, or use `--force`.", "Stop it, or use `force=True`."),
        ("Give `--selector app=web,tier!=back`.", "Give `selector='app=web,tier!=back'`."),
        ("`--tail=-1` shows the whole log.", "`tail=-1` shows the whole log."),
        ("Publish another one: `--publish=8081:80`.", "Publish another one: `publish=['8081:80']`."),
        ("`--secret=id=NAME,env=VARIABLE`", "`secrets=[Secret(…)]`"),
        ("`--label=tier=db`", "`labels={'tier': 'db'}`"),
        ("Name it: `--context=prod`.", "Name it: `nbc.engine('prod')`."),
        ("Name it: `--namespace=shop`.", "Name it: `nbc.cluster(namespace='shop')`."),
        ("`--chmod=755` is a Dockerfile's.", "`--chmod=755` is a Dockerfile's."),
    ],
)
def test_a_cure_is_a_call_in_python_and_a_line_in_a_magic(cure, in_python):
    from nbcontainer import api  # which turns cures into text

    assert api
    error = errors.NbcontainerError("It failed.", cure=cure)
    assert str(error) == f"It failed.\n{in_python}"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(presentable(error)) == f"It failed.\n{cure}"


def test_a_message_names_arguments_in_python_and_flags_in_a_magic():
    error = errors.UsageError("`--rm` and `--restart` cannot be combined.")
    assert str(error) == "`remove=True` and `restart` cannot be combined."
    assert str(presentable(error)) == "`--rm` and `--restart` cannot be combined."


def test_a_protected_context_is_named_as_the_call_names_it():
    cure = "Name it: `--context=prod`"
    for kind, name in {"engine": "nbc.engine('prod')", "cluster": "nbc.cluster('prod')"}.items():
        assert str(errors.Protected("No.", context="prod", kind=kind, cure=cure)) == f"No.\nName it: `{name}`"


def raised_texts():
    """What our calls say in the errors that they raise, `…` for a value."""
    root = Path(errors.__file__).parent
    for file in (file for folder in ("api", "clusters", "engines") for file in (root / folder).rglob("*.py")):
        for raised in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Raise)):
            for node in ast.walk(raised):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_a_flag_in_a_text_is_marked_and_an_argument():
    texts = [text for text in raised_texts() if "COPY --" not in text and "RUN --" not in text]
    assert [text for text in texts if " " in text and re.search(r"(^--|[ (]--?)[a-z]", text)] == []
    marked = {flag for text in texts for flag in re.findall(r"`(--[a-z-]+)", text)}
    assert marked >= {"--filter", "--memory", "--rm", "--force"}
    assert marked <= {*keywords(), "--context", "--namespace"}
