"""Options: their kinds, their faults."""

import os
import tempfile
import time

import pytest

from nbcontainer import spool
from nbcontainer.errors import UsageError
from nbcontainer.settings import Settings


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("protected_contexts", "prod-*, live", ("prod-*", "live")),
        ("protected_contexts", "", ()),
        ("confirm", "off", False),
        ("confirm", "YES", True),
        ("log_window", "5", 5),
        ("connect_timeout", "2.5", 2.5),
        ("surface", "plain", "plain"),
    ],
)
def test_an_option_is_set_from_its_text(name, text, value):
    settings = Settings()
    settings.change(name, text)
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nope", "1"),
        ("confirm", "perhaps"),
        ("log_window", "many"),
        ("log_window", "0"),
        ("connect_timeout", "-1"),
        ("connect_timeout", "nan"),
        ("connect_timeout", "inf"),
        ("surface", "paper"),
        ("protected_contexts", b"prod-*"),
        ("protected_contexts", ("prod-*", None)),
        ("protected_contexts", [["prod-*"]]),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(name, text):
    settings = Settings()
    with pytest.raises(UsageError):
        settings.change(name, text)
    with pytest.raises(UsageError):
        setattr(settings, name, text)
    assert settings == Settings()


def test_protection_that_is_one_text_protects():
    settings = Settings()
    settings.protected_contexts = "prod-*, live"
    assert settings.protected_contexts == ("prod-*", "live")


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
