"""The view of a push or pull: lines, pictures, messages."""

from nbcontainer.model.images import LayerProgress, LayerState, TransferStarted, TransferState, apply_transfer
from nbcontainer.views.html import as_html
from nbcontainer.views.images import TransferView
from nbcontainer.views.text import as_text
from tests.recordings.push_events import EVENTS


def state(count):
    result = TransferState()
    for event in EVENTS[:count]:
        result = apply_transfer(result, event)
    return result


def test_lines():
    view = TransferView()
    shown = [line for line in map(view.line, EVENTS) if line is not None]
    assert shown == [
        "pushing 127.0.0.1:5001/team/go to 127.0.0.1:5001",
        "5f70bf18a086 layer already exists",
        "8277a4e2e1dc pushed 130 MB",
        "3d321517a9ad pushed 182 MB",
        "pushed 127.0.0.1:5001/team/go sha256:9f2c41a0b3d15566 312 MB 4.5 s",
    ]


def test_picture_while_it_runs():
    text = as_text(TransferView().render(state(8)))
    assert "127.0.0.1:5001/team/go  pushing  1 of 3 layers" in text
    assert "1 already there" in text
    assert "◐  3d321517a9ad  ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌  91.1 MB / 182 MB  pushing" in text


def test_picture_at_the_end():
    text = as_text(TransferView().render(state(len(EVENTS))))
    assert text.startswith("127.0.0.1:5001/team/go  ✓ pushed  sha256:9f2c41a0b3d1 · 312 MB · 4.5 s · 1 already there")


def test_hostile_text_stays_text():
    evil = "<img src=x>\u202e\x1b[2J"
    result = apply_transfer(TransferState(), TransferStarted("pull", evil, evil, evil))
    result = apply_transfer(result, LayerProgress(LayerState(evil, evil, 1, 2)))
    html = as_html(TransferView().render(result))
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
