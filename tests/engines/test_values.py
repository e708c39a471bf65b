"""Values as docker takes them: empty ones, times, secrets, and several names of which one is wrong."""

import pytest

import nbcontainer as nbc
from nbcontainer.api.moments import moment_of
from nbcontainer.engines import images
from nbcontainer.errors import CommandFailed, NotFound, UsageError
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from tests.terminal import Terminal

pytestmark = pytest.mark.usefixtures("engine")
IMAGE = """FROM {busybox}
ENV HUE=blue
WORKDIR /tmp
USER 1
ENTRYPOINT ["echo", "entry"]
"""


def magic(line, cell=None, **variables):
    return run_magic(catalogue.verbs_of("docker"), line, cell, variables)


@pytest.fixture
def image(busybox, unique, engine):
    """An image with an entrypoint, a variable, a user and a folder of its own."""
    name = f"{unique}:1"
    nbc.images.build(IMAGE.format(busybox=busybox), tags=[name], context=None).result()
    yield name
    images.remove(engine, name, force=True)


def output(line):
    return magic(f"run --rm {line}").output.strip()


def test_an_empty_entrypoint_is_none_at_all(image):
    assert output(f"{image} plain") == "entry plain"
    for given in ("--entrypoint ''", "--entrypoint=", '--entrypoint ""'):
        assert output(f"{given} {image} echo plain") == "plain"
    assert nbc.containers.run(image, "echo plain", entrypoint="", remove=True).result().output == "plain\n"
    assert output(f"--entrypoint '' -w '' -u '' {image} sh -c 'id -u; pwd'") == "1\n/tmp"  # empty ones are not given


def test_a_variable_that_is_not_set_here_is_removed_as_by_docker(image, monkeypatch, tmp_path):
    monkeypatch.delenv("HUE", raising=False)

    def hue(flag=""):
        return output(f"--entrypoint '' {flag} {image} sh -c 'echo ${{HUE-removed}}'")

    removed = "blue" if nbc.engine().connect().commands.is_podman else "removed"  # podman only sets what is set here
    assert (hue(), hue("-e HUE"), hue("-e HUE=")) == ("blue", removed, "")
    monkeypatch.setenv("HUE", "red")
    assert hue("-e HUE") == "red"
    run = nbc.containers.run(
        image, ["sh", "-c", "echo ${HUE-removed}"], entrypoint="", environment={"HUE": None}, remove=True
    )
    assert run.result().output == f"{removed}\n"
    monkeypatch.delenv("HUE")
    assert Terminal(tmp_path).with_podman().run(run.result().command).strip() == removed


def test_the_times_and_numbers_of_logs(busybox, unique):
    nbc.containers.run(busybox, ["sh", "-c", "echo 1; echo 2; echo 3; sleep 600"], name=unique, detach=True).result()
    run = magic(f"logs {unique} --tail all")
    for _ in range(100):
        if len(run) == 3:
            break
        run = magic(f"logs {unique} --tail all")
    assert len(run) == 3
    for line, count in {
        "--since 2020-01-01T00:00:00Z": 3,
        "--since 2020-01-01": 3,
        "--since 1577836800": 3,
        "--since 1h30m": 3,
        "--until 2020-01-01T00:00:00Z": 0,
        "--until 1h": 0,
        "-n 1": 1,
        "--tail=all": 3,
    }.items():
        assert len(magic(f"logs {line} {unique}")) == count, line
    for wrong in ("--since nonsense", "--until 25:00", "--tail some"):
        with pytest.raises(UsageError):
            magic(f"logs {wrong} {unique}")
    nbc.containers.remove(unique, force=True)


def test_the_containers_that_exist_are_stopped_before_the_error(busybox, unique):
    for number in (1, 2):
        nbc.containers.run(busybox, "sleep 600", name=f"{unique}-{number}", detach=True).result()
    with pytest.raises(NotFound, match=rf"no container {unique}-x .* Stopped: {unique}-1, {unique}-2\."):
        magic(f"stop -t 0 {unique}-1 {unique}-x {unique}-2")
    assert {nbc.containers.get(f"{unique}-{number}").state for number in (1, 2)} == {"exited"}
    nbc.containers.remove(f"{unique}-1", f"{unique}-2")


def test_a_semicolon_at_the_end_is_ipythons(busybox):
    assert magic("ps -q;") is not None
    assert output(f"{busybox} sh -c 'echo a;'") == "a"
    with pytest.raises((CommandFailed, NotFound)):
        magic(f"run --rm {busybox} 'no such;'")


def test_attributes_and_items_of_variables_but_no_calls(busybox):
    class Holder:
        name = busybox
        _hidden = busybox

    given = {"holder": Holder(), "table": {"image name": busybox, "list": [busybox]}}
    for word in ("{{holder.name}}", "{{table['image name']}}", '{{table["list"][0]}}', "{{ table['list'][-1] }}"):
        assert magic(f"run --rm {word} echo x", **given).output == "x\n", word
    for word in ("{{holder._hidden}}", "{{holder.__class__.__name__}}", "{{table['missing']}}", "{{table.pop}}x"):
        with pytest.raises(UsageError):
            magic(f"run --rm {word} echo x", **given)
    with pytest.raises(UsageError):
        magic("run --rm {{table.pop('list')}} echo x", **given)
    assert "list" in given["table"]


def test_moments():
    assert moment_of("--since", "2026-01-02T03:04:05+01:00") == "2026-01-02T02:04:05.000000Z"
    assert moment_of("--since", "0.5") == "1970-01-01T00:00:00.500000Z"
    assert (moment_of("--since", ""), moment_of("--since", 0.0)) == ("", "")
    for wrong in ("yesterday", "1e400", "9" * 30, -1.0):
        with pytest.raises(UsageError):
            moment_of("--since", wrong)
