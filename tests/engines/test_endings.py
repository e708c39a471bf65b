"""Whatever fails or is stopped ends in a picture that says so: builds, pushes, pulls and runs, on each engine."""

import pytest

from nbcontainer.engines import images
from nbcontainer.engines.build import build
from nbcontainer.engines.containers import remove
from nbcontainer.engines.run import run
from nbcontainer.errors import BuildFailed, CommandFailed, NbcontainerError, Stopped
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.containers import RunRequest
from nbcontainer.views.build import BuildView
from nbcontainer.views.html import as_html
from nbcontainer.views.images import TransferView
from nbcontainer.views.logs import LogView
from nbcontainer.views.text import as_text
from tests.engines.build_engines import wait_until

RUNNING = ("building", "pushing", "pulling", "following", "◐")


def ending(operation, view, error):
    """The last picture's text, once the operation has ended with `error` (None: success)."""
    if error is None:
        operation.result(60)
    else:
        with pytest.raises(error):
            operation.result(60)
    picture = view.render(operation.state)
    text, html = as_text(picture), as_html(picture)
    assert not any(word in line for word in RUNNING for line in (text.splitlines()[0], html.split("</")[0]))
    assert operation.state.outcome == {None: "done", Stopped: "stopped"}.get(error, "failed")
    return text


def test_builds(engine, unique):
    def started(text, **fields):
        return build(engine, BuildRequest(text, tags=(f"{unique}:1",), **fields))

    text = f"FROM busybox\nRUN echo {unique}; exit 7"
    assert "✕ failed at line 2, exit code 7" in ending(started(text), BuildView(), BuildFailed)
    operation = started(f"FROM busybox\nRUN echo {unique}; sleep 600\nRUN echo after")
    wait_until(lambda: any(step.output for step in operation.state.steps.values()))
    operation.stop()
    stopped = ending(operation, BuildView(), Stopped)
    assert "■ stopped" in stopped.splitlines()[0]
    assert "○" in stopped  # what never ran is still waiting
    unpushed = build(
        engine, BuildRequest(f"FROM busybox\nLABEL of={unique}", tags=(f"127.0.0.1:1/{unique}:1",), push=True)
    )
    text = ending(unpushed, BuildView(), NbcontainerError)
    assert "✕ built, not pushed" in text
    assert "127.0.0.1:1" in text.split("\n", 1)[1]
    images.remove(engine, f"127.0.0.1:1/{unique}:1", force=True)


def test_pushes_and_pulls(engine, registry, password_registry, make_image, unique):
    name = make_image(engine, f"{password_registry}/tests/{unique}:1")
    text = ending(images.push(engine, name), TransferView(), NbcontainerError)
    assert "✕ failed" in text.splitlines()[0]
    assert "The push of" not in text, "why it failed, the error says, once"
    assert "✕ failed" in ending(
        images.pull(engine, f"{registry}/tests/{unique}:none"), TransferView(), NbcontainerError
    )
    for _ in range(5):  # it may be refused before it is stopped
        operation = images.push(engine, name)
        operation.stop()
        with pytest.raises(NbcontainerError) as ended:
            operation.result(30)
        if ended.type is Stopped:
            break
    assert "■ stopped" in ending(operation, TransferView(), Stopped)
    good = make_image(engine, f"{registry}/tests/{unique}:1")
    assert "✓ pushed" in ending(images.push(engine, good), TransferView(), None)


def test_runs(engine, busybox, unique):
    def started(script):
        return run(engine, RunRequest(busybox, ("sh", "-c", script), name=unique, remove=True))

    assert "✓ done" in ending(started("echo hällo"), LogView(), None).splitlines()[0]
    operation = started("echo no; exit 3")
    assert "✕ exit code 3" in ending(operation, LogView(), CommandFailed).splitlines()[0]
    operation = started("echo ä; sleep 600")
    wait_until(lambda: operation.state.total)
    assert operation.state.total_bytes == 3
    operation.stop()
    assert "■ stopped" in ending(operation, LogView(), Stopped).splitlines()[0]
    gone = run(engine, RunRequest(f"127.0.0.1:1/{unique}", name=unique))
    assert "✕ " in ending(gone, LogView(), NbcontainerError).splitlines()[0]
    with pytest.raises(NbcontainerError):
        remove(engine, unique)
