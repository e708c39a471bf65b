"""What a notebook's file says about context and namespace is used only where the user has not chosen."""

import json

import pytest

from nbcontainer.magics import chosen
from nbcontainer.settings import settings


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Writes the metadata of the notebook that runs here; the settings are as they were afterwards."""
    monkeypatch.setattr(settings, "context", "")
    monkeypatch.setattr(settings, "namespace", "")
    path = tmp_path / "web.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return lambda metadata: path.write_text(json.dumps({"cells": [], "metadata": metadata}))


def test_a_choice_is_restored_and_said(notebook, capsys):
    notebook({"nbcontainer": {"context": "prod\x1b[31m", "namespace": "shop"}})
    chosen._restore()
    assert (settings.context, settings.namespace) == ("prod\x1b[31m", "shop")
    assert capsys.readouterr().out == "In use, as this notebook has chosen: context prod, namespace shop.\n"


def test_what_the_user_has_configured_comes_first(notebook, monkeypatch, capsys):
    notebook({"nbcontainer": {"context": "prod", "namespace": "shop"}})
    monkeypatch.setattr(settings, "context", "dev")
    chosen._restore()
    assert (settings.context, settings.namespace) == ("dev", "")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("metadata", [{}, {"nbcontainer": 1}, {"nbcontainer": {}}, ["nbcontainer"], None])
def test_a_notebook_that_says_nothing_is_left_alone(notebook, metadata, capsys):
    notebook(metadata)
    chosen._restore()
    assert (settings.context, settings.namespace) == ("", "")
    assert capsys.readouterr().out == ""
