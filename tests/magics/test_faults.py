"""Unexpected errors: one line, and a file with a traceback that has no values."""

import re
import signal
import stat
import sys
from pathlib import Path

import pexpect
import pytest

from nbcontainer.errors import InternalError
from nbcontainer.magics.faults import internal_error
from nbcontainer.settings import settings
from tests.magics.kernels import Kernel

SECRET = "hunter2-7Qx"
BREAK = f"""
import nbcontainer.diagnosis as diagnosis
password = {SECRET!r}
class Odd(Exception): pass
def doctor():
    held = password
    try:
        {{}}[held]  # {SECRET}
    except KeyError:
        raise Odd("with " + password)
diagnosis.doctor = doctor
"""
MANIFEST = "%%kube apply\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "spool_directory", str(tmp_path / "spool"))
    return tmp_path / "spool"


@pytest.fixture
def kernel(tmp_path):
    made = Kernel({"KUBECONFIG": str(tmp_path / "none"), "DOCKER_HOST": f"unix://{tmp_path}/none"}, str(tmp_path))
    made.run(f"import nbcontainer; nbcontainer.settings.spool_directory = {str(tmp_path / 'spool')!r}")
    yield made
    made.close()


def kept(text):
    """The text of the file that a line names, after a check of its mode."""
    path = Path(re.search(r"its traceback is in (\S+\.log)\.", text)[1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_text()


def test_a_kernel_shows_one_line_and_the_cell_fails(kernel):
    kernel.run(BREAK)
    ran = kernel.run("%nbcontainer doctor")
    assert (ran.reply["status"], ran.error) == ("error", "InternalError")
    first, second = ran.traceback
    assert first.startswith("✕ InternalError: Unexpected Odd in nbcontainer/magics/calls.py, line ")
    assert second.strip().startswith("This is a bug in nbcontainer: please report it")
    text = kept(first)
    assert "KeyError\n" in text
    assert text.endswith("\nOdd\n")
    assert "in doctor" in text
    assert "attrgetter(verb.calls)(target)" in text
    assert SECRET not in text + str(ran.outputs) + str(ran.messages)


def test_a_group_of_errors_is_one_line_too(kernel):
    kernel.run("import nbcontainer.diagnosis as diagnosis\ndef doctor(): raise ExceptionGroup('x', [KeyError('y')])")
    kernel.run("diagnosis.doctor = doctor")
    ran = kernel.run("%nbcontainer doctor")
    assert ran.error == "InternalError"
    assert len(ran.traceback) == 2
    assert "Traceback" not in str(ran.outputs)


def test_api_use_stays_an_ordinary_traceback(kernel):
    kernel.run(BREAK)
    ran = kernel.run("import nbcontainer as nbc; diagnosis.doctor()")
    assert ran.error == "Odd"
    assert any("Traceback" in line for line in ran.traceback)


def test_a_result_that_cannot_be_drawn_shows_one_line(kernel):
    kernel.run(f"import nbcontainer.views.results as views\ndef broken(result): raise ValueError({SECRET!r})")
    kernel.run("views.picture_of = broken")
    ran = kernel.run("import nbcontainer; nbcontainer.settings")
    shown = str(ran.outputs)
    assert "Unexpected ValueError in nbcontainer/magics/results.py" in shown
    assert "Traceback" not in shown
    assert SECRET not in shown


def test_a_terminal_shows_one_line(tmp_path):
    import os

    program = pexpect.spawn(
        sys.executable, ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"],
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "dumb"},
        encoding="utf-8", timeout=40, dimensions=(40, 300), echo=False,
    )  # fmt: skip
    try:
        program.expect(r"In \[1\]: ")
        program.sendline("%load_ext nbcontainer")
        program.expect(r"In \[2\]: ")
        program.sendline(f"exec({BREAK!r})")
        program.expect(r"In \[3\]: ")
        program.sendline("%nbcontainer doctor")
        program.expect(r"In \[4\]: ")
        assert "✕ InternalError: Unexpected Odd in nbcontainer/" in program.before
        assert "Traceback" not in program.before
        assert SECRET not in program.before + kept(program.before)
    finally:
        program.kill(signal.SIGKILL)
        program.wait()  # close(force=True) allows it a tenth of a second
        program.close()


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        ("  null: x\n", 6, "a key cannot be null"),
        ("  a: !!binary '*'\n", 6, "is not base64"),
        ("  a: .nan\n", 6, "infinity and NaN"),
        ("  a: !!int 12:30\n", 6, "is not a !!int"),
        ("  a: \ud800\n", 6, "U+D800"),
        ("  ? [a]\n  : b\n", 6, "a key must be text"),
        ("  a: " + "[" * 400 + "]" * 400, 6, "nesting is deeper"),
    ],
)
def test_yaml_never_ends_in_a_traceback(kernel_of_a_cluster, data, line, words):
    ran = kernel_of_a_cluster.run(
        f"get_ipython().run_cell_magic('kube', 'apply', {MANIFEST.split(chr(10), 1)[1] + data!r})"
    )
    assert ran.error == "YamlError"
    assert ran.traceback[0].startswith(f"✕ YamlError: line {line}: ")
    assert words in ran.traceback[0]
    assert len(ran.traceback) <= 2


def test_a_value_of_several_lines_does_not_shift_the_lines_of_errors(kernel_of_a_cluster):
    kernel_of_a_cluster.run("more = '  a: 1\\n  b: 2\\n  c: 3'")
    ran = kernel_of_a_cluster.run(MANIFEST + "{{more}}\n  null: x")
    assert ran.traceback[0].startswith("✕ YamlError: line 7: a key cannot be null")
    ran = kernel_of_a_cluster.run(f"{MANIFEST}  a: 'b'\n".replace("name: x", "name: X_x"))
    assert ran.traceback[0].startswith("✕ ApiError: line 4: metadata.name")


@pytest.fixture(scope="module")
def kernel_of_a_cluster(tmp_path_factory, kubernetes_cluster):
    folder = tmp_path_factory.mktemp("kernel")
    made = Kernel({"KUBECONFIG": str(kubernetes_cluster.kubeconfig)}, str(folder))
    yield made
    made.close()


def caught(raised):
    try:
        raised()
    except Exception as error:  # noqa: BLE001 - any of them
        return internal_error(error)
    raise AssertionError


def test_a_message_with_names_is_shown_and_one_with_values_is_not():
    assert (
        "Unexpected AttributeError ('str' object has no attribute 'nothing') in" in caught(lambda: "".nothing).message
    )
    said = caught(lambda: int(SECRET))
    assert "Unexpected ValueError in a call of nbcontainer; its traceback is in " in said.message
    assert SECRET not in kept(said.message)
    said = caught(lambda: Path("/no", SECRET).read_text())
    assert "Unexpected FileNotFoundError (No such file or directory) in" in said.message
    assert SECRET not in said.message + kept(said.message)


def test_endless_recursion_and_groups_are_kept_too():
    def endless():
        return endless()

    said = caught(endless)
    assert "maximum recursion depth exceeded" in said.message
    assert " frames …" in kept(said.message)

    def group():
        raise ExceptionGroup(SECRET, [KeyError(SECRET), OSError(28, "No space left on device", SECRET)])

    text = kept(caught(group).message)
    assert text.index("ExceptionGroup") < text.index("KeyError") < text.index("OSError (No space left on device)")
    assert SECRET not in text


def test_where_no_file_can_be_written_the_line_says_so(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(settings, "spool_directory", str(tmp_path / "file" / "folder"))
    said = caught(lambda: int(SECRET))
    assert isinstance(said, InternalError)
    assert said.traceback == ""
    assert "its traceback could not be saved. Outputs cannot be kept in" in said.message


def test_completion_that_fails_offers_nothing(kernel):
    kernel.run(
        "import nbcontainer.magics.candidates as ours\ndef broken(*a): raise ValueError\nours.candidates = broken"
    )
    ran = kernel.run("print(get_ipython().Completer.complete(line_buffer='%docker pu', cursor_pos=10))")
    assert "'push'" not in ran.printed
    assert "Traceback" not in ran.printed + str(ran.outputs)
