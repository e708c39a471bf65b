"""Options: their types, their errors, and where they are set."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbcontainer import spool
from nbcontainer.errors import UsageError
from nbcontainer.settings import NBContainer


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("protected_contexts", "prod-*, live", ("prod-*", "live")),
        ("protected_contexts", ["prod-*", " live "], ("prod-*", "live")),
        ("protected_contexts", ["prod-*,live"], ("prod-*", "live")),
        ("protected_contexts", {"prod-*"}, ("prod-*",)),
        ("protected_contexts", "prod-*,", ("prod-*",)),
        ("protected_contexts", "", ()),
        ("protected_contexts", [], ()),
        ("confirm", "off", False),
        ("confirm", "YES", True),
        ("confirm", 0, False),
        ("log_window", "5", 5),
        ("connect_timeout", "2.5", 2.5),
        ("connect_timeout", 3, 3.0),
        ("surface", "plain", "plain"),
        ("spool_directory", Path("/tmp/outputs"), "/tmp/outputs"),
    ],
)
def test_an_option_is_set_from_its_text_or_its_value(name, given, value):
    settings = NBContainer()
    settings.change(name, given)
    assert getattr(settings, name) == value
    assert type(getattr(settings, name)) is type(value)
    assert settings.origin(name) == "this session"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("nope", "1"),
        ("protected_context", "prod*"),
        ("protected_contexts", None),
        ("protected_contexts", ","),
        ("protected_contexts", " "),
        ("protected_contexts", [""]),
        ("protected_contexts", [None]),
        ("protected_contexts", {"prod*": True}),
        ("protected_contexts", False),
        ("protected_contexts", 5),
        ("confirm", "perhaps"),
        ("confirm", []),
        ("confirm", None),
        ("log_window", "many"),
        ("log_window", "0"),
        ("log_window", 2.5),
        ("log_window", True),
        ("connect_timeout", "-1"),
        ("connect_timeout", "nan"),
        ("connect_timeout", "inf"),
        ("connect_timeout", True),
        ("connect_timeout", b"5"),
        ("surface", "paper"),
        ("engine", None),
        ("context", b"prod"),
        ("protected_contexts", b"prod-*"),
        ("protected_contexts", ("prod-*", None)),
        ("protected_contexts", [["prod-*"]]),
    ],
)
def test_an_invalid_value_is_refused_in_one_line_and_changes_nothing(name, given):
    settings = NBContainer()
    settings.protected_contexts = ["live"]
    before = settings.values()
    for change in (settings.change, settings.__setattr__):
        with pytest.raises(UsageError) as refused:
            change(name, given)
        assert "\n" not in refused.value.message
        assert name in refused.value.message
        assert name not in before or (repr(given) in refused.value.message and "takes" in refused.value.message)
    assert settings.values() == before


def test_a_refused_value_is_shown_cut():
    with pytest.raises(UsageError) as refused:
        NBContainer().log_window = "x" * 10_000
    assert len(str(refused.value)) < 200


def test_protection_cannot_be_taken_away_or_changed_in_place():
    settings = NBContainer()
    settings.protected_contexts = "prod-*, live"
    with pytest.raises(AttributeError):
        settings.protected_contexts.clear()
    with pytest.raises(AttributeError):
        del settings.protected_contexts
    assert settings.protected_contexts == ("prod-*", "live")


def test_the_session_comes_before_the_environment_and_the_environment_before_the_configuration():
    settings = NBContainer()
    config = Config({"NBContainer": {"log_window": 1, "connect_timeout": 1, "surface": "plain"}})
    settings.read_environment({"NBCONTAINER_LOG_WINDOW": "2", "NBCONTAINER_CONNECT_TIMEOUT": "2"})
    settings.read_config(config)
    settings.update_config(Config({"NBContainer": {"log_window": 3}}))
    settings.read_config(config)  # %load_ext, after the import
    assert (settings.log_window, settings.connect_timeout, settings.surface) == (3, 2.0, "plain")
    assert [settings.origin(name) for name in ("log_window", "connect_timeout", "surface", "engine")] == [
        "this session",
        "NBCONTAINER_CONNECT_TIMEOUT",
        "ipython_config.py",
        "",
    ]


def test_empty_and_foreign_variables_are_ignored():
    settings = NBContainer()
    settings.read_environment(
        {"NBCONTAINER_LOG_WINDOW": "", "NBCONTAINER_CACHE": "/x", "NBCONTAINER_PORT": "tcp://10.0.0.1:80"}
    )
    assert settings.values() == NBContainer().values()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "NBCONTAINER_LOG_WINDOW",
            "many",
            "log_window takes a whole number above 0, not 'many' (set by NB",
        ),
        ("NBCONTAINER_PROTECTED_CONTEXT", "prod*", "Did you mean NBCONTAINER_PROTECTED_CONTEXTS?"),
    ],
)
def test_a_variable_that_is_wrong_is_told_by_the_first_call(variable, value, words):
    done = run("import nbcontainer as nbc; print('imported', nbc.doctor())\nnbc.images.list()", {variable: value})
    assert done.returncode == 1
    assert "imported" in done.stdout
    assert words in done.stdout  # the doctor says it too
    assert "UsageError" in done.stderr
    assert words in done.stderr


def test_what_is_wrong_is_corrected_by_the_session():
    settings = NBContainer()
    settings.read_environment({"NBCONTAINER_LOG_WINDOW": "many", "NBCONTAINER_PROTECTED_CONTEXT": "prod*"})
    settings.read_config(Config({"NBContainer": {"log_window": 5, "confrim": False, "nope": 1}}))
    told = [problem.message.partition(" ")[0] for problem in settings.problems]
    assert told == ["log_window", "The", "There", "There"]
    for _ in range(2):
        with pytest.raises(UsageError, match=r"log_window takes .* \(set by NBCONTAINER_LOG_WINDOW\)") as told:
            settings.check()
        assert told.value.cure == "Correct it, or set nbc.settings.log_window in this session."
    settings.log_window = 7
    settings.protected_contexts = "prod*"
    settings.confirm = False
    with pytest.raises(UsageError, match="There is no setting 'nope'"):
        settings.check()
    settings.read_config(Config())
    settings.check()


def test_a_plain_script_has_the_settings_of_its_environment_without_ipython():
    done = run(
        "import sys, nbcontainer as nbc; nbc.settings.log_window = 7\n"
        "print(nbc.settings.protected_contexts, nbc.settings.log_window, 'IPython' in sys.modules)",
        {"NBCONTAINER_PROTECTED_CONTEXTS": "prod*,live", "NBCONTAINER_LOG_WINDOW": "5"},
    )
    assert done.stdout == "('prod*', 'live') 7 False\n", done.stderr


def test_lists_of_the_configuration_can_be_added_to():
    config = Config()
    config.NBContainer.protected_contexts.append("prod*")
    config.NBContainer.log_window  # noqa: B018 - a look-up that creates an empty entry
    settings = NBContainer()
    settings.read_config(config)
    assert settings.protected_contexts == ("prod*",)
    config.NBContainer.connect_timeout.append("5")
    settings.read_config(config)
    with pytest.raises(UsageError):
        settings.check()


@pytest.mark.parametrize("code", ["import nbcontainer as nbc", "%load_ext nbcontainer\nimport nbcontainer as nbc"])
def test_ipython_config_py_sets_with_and_without_the_extension(tmp_path, code):
    done = ipython(
        tmp_path,
        "c.NBContainer.protected_contexts = ['prod*']\nc.NBContainer.log_window = 5",
        f"{code}\nprint('found', nbc.settings.protected_contexts, nbc.settings.log_window)",
        "--NBContainer.connect_timeout=2.5",
        NBCONTAINER_LOG_WINDOW="6",
    )
    assert "found ('prod*',) 6" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c.NBContainer.protected_context = ['prod*']", "There is no setting 'protected_context'"),
        ("c.NBContainer.protected_contexts = 5", "protected_contexts takes patterns such as"),
    ],
)
def test_a_configuration_that_is_wrong_is_shown_and_no_call_is_made(tmp_path, line, words):
    shows = "found = %nbcontainer settings\ndisplay(found)\nprint('went on')"
    done = ipython(tmp_path, line, f"%load_ext nbcontainer\n{shows}\n%docker images\nprint('made a call')")
    shown = done.stdout + done.stderr
    assert f"✕ {words}" in shown.partition("went on")[0]
    assert f"✕ UsageError: {words}" in shown.partition("went on")[2]
    assert "(set by ipython_config.py)" in shown
    assert "Traceback" not in shown
    assert "made a call" not in shown


@pytest.fixture
def shell():
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "nbcontainer")
    yield shell
    shell.run_line_magic("unload_ext", "nbcontainer")
    assert not any(isinstance(found, NBContainer) for found in shell.configurables)


def test_config_lists_shows_and_changes(shell, monkeypatch, capsys):
    from nbcontainer import settings

    for name, value in settings.values().items():
        monkeypatch.setattr(settings, name, value)  # as it was before
    shell.run_line_magic("config", "")
    assert "NBContainer" in capsys.readouterr().out
    shell.run_line_magic("config", "NBContainer.log_window = 3000")
    shell.run_line_magic("config", "NBContainer.protected_contexts = ['prod*']")
    assert settings.protected_contexts == ("prod*",)
    assert shell.run_line_magic("config", "NBContainer.log_window") == 3000
    shell.run_line_magic("config", "NBContainer")
    shown = capsys.readouterr().out
    for name, meaning in NBContainer.meanings().items():
        assert f"NBContainer.{name}=" in shown
        assert meaning in re.sub(r"\s+", " ", shown)
    assert "Current: 3000" in shown


@pytest.mark.parametrize("line", ["protected_contexts = 5", "protected_contexts = ['']", "protected_context = ['x']"])
def test_config_refuses_with_a_message(shell, monkeypatch, caplog, line):
    from nbcontainer import settings

    monkeypatch.setattr(settings, "protected_contexts", ("live",))
    shell.run_line_magic("config", f"NBContainer.{line}")
    [record] = caplog.records
    assert re.match(r"protected_contexts takes|There is no setting 'protected_context'", record.getMessage())
    assert settings.protected_contexts == ("live",)


def test_config_completes_our_options(shell):
    def texts(line):
        with provisionalcompleter():
            return {found.text for found in shell.Completer.completions(line, len(line))}

    assert texts("%config NBC") == {"NBContainer"}
    assert texts("%config NBContainer.prot") == {"NBContainer.protected_contexts"}


def run(code, environment):
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def ipython(folder, configuration, code, *arguments, **environment):
    (folder / "profile_default").mkdir()
    (folder / "profile_default/ipython_config.py").write_text(f"c = get_config()\n{configuration}\n", "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", *arguments, "-c", code],
        env={**os.environ, "IPYTHONDIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_whole_outputs_in_the_temporary_directory_are_removed_after_a_week(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(spool.settings, "spool_directory", "")
    folder = spool.spool_folder()
    spool._remove_old.cache_clear()
    for name, days in (("old.log", 8), ("young.log", 6), ("other.txt", 8)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - days * 86_400,) * 2)
    spool.spool_folder()
    assert sorted(path.name for path in folder.iterdir()) == ["other.txt", "young.log"]
