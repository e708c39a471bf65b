"""One page with every kind of block in all four drawers.

`python -m tests.views.gallery FILE` writes it; tests/browser/test_gallery.py opens it in a browser. It needs no kernel:
the page's own drawer runs there with the pictures as JSON.
"""

from __future__ import annotations

import io
import json
import math
import sys
import time
from html import escape
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI

from nbcontainer.model.images import TransferState, apply_transfer
from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Action, Actions, Chart, Code, CodeLine, Diff, Node, Progress, Section, Series, Tree
from nbcontainer.views.build import BuildView
from nbcontainer.views.html import as_html
from nbcontainer.views.images import TransferView
from nbcontainer.views.kit import Clock, Grid, Line, Output, Picture, Span
from nbcontainer.views.page import as_json, whole
from nbcontainer.views.pods import PodStartView
from nbcontainer.views.terminal import as_rich
from nbcontainer.views.text import as_text
from nbcontainer.widgets.live import STATIC
from tests.recordings import build_events, pod_events, push_events

NOON = time.mktime((2026, 11, 30, 12, 0, 0, 0, 0, -1))
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: server
        image: registry.example.com/team/web:1.3
        ports:
        - containerPort: 8080
"""
LATER = (Node("vendor/x", (Span("x"), Span("  4.1 MB", Tone.DIM))), Node("vendor/y", (Span("y"),)))
"""The children that the gallery's kernel sends for any node that has not been loaded."""


def _node(key: str, size: str = "", *children: Node, opened: bool = True, tone: Tone = Tone.PLAIN) -> Node:
    return Node(key, (Span(key.rpartition("/")[2] or key, tone), Span(f"  {size}", Tone.DIM)), children, opened)


def _lines() -> tuple[Line, ...]:
    return (
        Line.of(
            Span("web:1.4", bold=True), "  ", Span("✓ built and pushed", Tone.GOOD, status=True),
            Span("  sha256:9f2c41a0b3d1 · 7.9 MB · 23.4 s, 3 of 11 cached", Tone.DIM), "  ",
            Span("docker · linux/amd64", Tone.DIM, chip=True), head=True,
        ),
        Line.of(Span("✓ ", Tone.GOOD), "deployment/web ", Span("created", Tone.GOOD, bold=True)),
        Line.of(Span("✕ ", Tone.BAD), "no cluster was found", wraps=True),
        Line.of(Span("Put a kubeconfig at ~/.kube/config, or name one in KUBECONFIG; in a Pod, its own account is used",
                     Tone.DIM), indent=2, wraps=True),
        Line.of("running for ", Span("", clock=Clock(NOON - 125, NOON)), " · created ",
                Span("", clock=Clock(NOON - 86400 * 1000, NOON, "age", "before "))),
    )  # fmt: skip


def _rows() -> Grid:
    rows = (
        ("web-7c9d5b-x2x8q", "0/1", "CrashLoopBackOff", "6", "4m12s", Tone.BAD),
        ("web-7c9d5b-r7kpl", "0/1", "Pending", "0", "38s", Tone.WARNING),
        ("web-canary-55d8-9k2vh", "1/1", "Running", "0", "2y270d", Tone.PLAIN),
    )
    return Grid(
        tuple(
            (Span(name), Span(ready), Span(status, tone), Span(restarts), Span(age))
            for name, ready, status, restarts, age, tone in rows
        ),
        columns=("name", "ready", "status", "restarts", "age"),
        right=frozenset({3, 4}),
        flexible=0,
        label="Pods",
    )


def _steps() -> Grid:
    steps = (
        ("●", Tone.CACHED, "build", "1", "FROM golang:1.26 AS build", (NOON, NOON + 0.6), "cached"),
        ("✓", Tone.GOOD, "", "4", "RUN go mod download", (NOON + 0.6, NOON + 4.7), "4.1 s"),
        ("✕", Tone.BAD, "", "6–9", "RUN --mount=type=cache,target=/root/.cache go build -o /server ./cmd/server",
         (NOON + 4.7, NOON + 13), "8.3 s"),
        ("○", Tone.DIM, "final", "12", "COPY --from=build /server /server", None, "waiting"),
    )  # fmt: skip
    return Grid(
        tuple(
            (Span(sign, tone), Span(stage, Tone.DIM), Span(line, Tone.DIM, code=True), Span(text, code=True),
             Span("", tone, bar=bar), Span(took, Tone.DIM))
            for sign, tone, stage, line, text, bar, took in steps
        ),
        right=frozenset({2, 5}), flexible=3, keys=("1", "4", "6", "12"), axis=(NOON, NOON + 13), group=1,
        outputs={"6": Output(("go: downloading golang.org/x/time v0.14.0",
                              "\x1b[31mcmd/server/main.go:31:14\x1b[0m: undefined: rate.NewLimiter"), Tone.BAD,
                             count=214, title=(Span("✕ line 6", Tone.BAD),), ending="exit code 1")},
    )  # fmt: skip


def _charts() -> dict[str, Picture]:
    build = (
        Series("FROM golang:1.26", ((NOON, NOON + 1),), Tone.CACHED),
        Series("RUN go mod download", ((NOON + 1, NOON + 5.1),), Tone.GOOD),
        Series("RUN go build", ((NOON + 5.1, NOON + 9), (NOON + 12, NOON + 16.4)), Tone.BAD),
        Series("push", ((NOON + 16.4, math.inf),), Tone.RUNNING),
    )
    sizes = ((0, 1.24e9), (1, 9.1e8), (2, 7.9e6), (3, 0))
    wave = tuple(
        (NOON + second, 0.4 + 0.3 * math.sin(second / 40) if not 300 <= second < 360 else math.nan)
        for second in range(600)
    )
    limit = tuple((NOON + second, 0.9) for second in range(0, 601, 60))
    memory = tuple((NOON + second, 0.2 + second / 1500) for second in range(0, 600, 5))
    hostile = ((-1e300, math.nan), (0, 1e300), (1, -1e300), (math.inf, 1))
    return {
        "bars": Picture((Chart("bars", (Series("size", sizes),), "bytes",
                               labels=("golang:1.26", "node:24", "web:1.4", "scratch"), label="Images by size"),)),
        "bars of two series": Picture((Chart("bars", (Series("change", ((0, 4), (1, -3)), Tone.BAD),
                                                      Series("before", ((0, 1), (1, math.nan)))),
                                             labels=("cpu", "memory"), label="Change"),)),
        "gantt": Picture((Chart("gantt", build, x="time", label="Steps of the build"),)),
        "line": Picture((Chart("line", (Series("cpu", wave), Series("limit", limit, Tone.WARNING),
                                        Series("memory", memory)), x="time", label="Use of web-1"),)),
        "line of huge values": Picture((Chart("line", (Series("<b>x</b>", hostile),), "seconds", label="Huge"),)),
        "line of one point": Picture((Chart("line", (Series("", ((1, 7.9e6),)),), "bytes", label="One point"),)),
        "chart without values": Picture((Chart("bars", (), label="Nothing"),)),
    }  # fmt: skip


def pictures() -> dict[str, Picture]:
    """The pictures by their names."""
    dockerfile = (
        CodeLine("# syntax=docker/dockerfile:1", 1),
        CodeLine("FROM golang:1.26 AS build", 2, (Span("cached", Tone.CACHED), Span("1.24 GB", Tone.DIM))),
        CodeLine("RUN go mod download", 3, (Span("4.1 s", Tone.DIM), Span("210 MB", Tone.DIM))),
        CodeLine("RUN --mount=type=cache,target=/root/.cache \\", 4, (Span("2.9 s", Tone.DIM),), Tone.BAD),
        CodeLine("    go build -o /server ./cmd/server", 5, (), Tone.BAD),
    )
    app = (
        _node("app/main.py", "2.1 kB"),
        _node("app/static", "", _node("app/static/日本語.css", "900 B"), _node("app/static/b.js", "14 kB")),
        Node("vendor", (Span("vendor"),), None),
        _node("app/cache", "", _node("app/cache/x"), opened=False),
        _node("app/secret.key", "added", tone=Tone.WARNING),
    )
    inspect = Action("Inspect", "docker", ("volume", "inspect"), {"volume": ["data"]})
    remove = Action("Remove", "docker", ("volume", "rm"), {"volume": ["data"]}, changes=True)
    after = DEPLOYMENT.replace("replicas: 2", "replicas: 3").replace("web:1.3", "web:1.4").removesuffix("\n")
    hostile = "<script>alert(1)</script> \u202egnp.exe \x1b[31mred\x1b[0m \ud800 日本語 e\u0301 \x00"
    return {
        "lines": Picture(_lines(), label="Lines"),
        "table": Picture((_rows(),), label="A table"),
        "steps": Picture((Line.of(Span("web:1.4", bold=True), "  ", Span("✕ failed at line 6, exit code 1", Tone.BAD),
                                  head=True), _steps()), label="A failed build"),
        "output": Picture((Output(("\x1b[1mbold\x1b[0m and \x1b[32mgreen\x1b[0m", "a\tb", "日本"), Tone.RUNNING),),
                          label="Output"),
        "code": Picture((Code(dockerfile, "dockerfile", label="Dockerfile"),), label="Code"),
        "diff": Picture((Diff(DEPLOYMENT, after, ("web.yaml", "the cluster"), label="Difference"),), label="Diff"),
        "diff of equal texts": Picture((Diff("a\n", "a\n", ("a", "b")),), label="Diff"),
        "tree": Picture((Tree((_node("app", "17 kB", *app), _node("etc", "", _node("etc/passwd", "1.2 kB"))),
                              key="files", label="Files"),), label="Tree"),
        **_charts(),
        "progress": Picture((Progress(0.61, "7 of 11 steps"), Progress(None, "waiting for the registry"),
                             Progress(1.0, "✕ failed", Tone.BAD)), label="Progress"),
        "actions": Picture((Line.of("volume ", Span("data", bold=True)), Actions((inspect, remove))), label="Actions"),
        "sections": Picture((Section(Line.of(Span("Layers", bold=True), Span("  2", Tone.DIM)), (_rows(),)),
                             Section(Line.of(Span("History", bold=True)), (Line.of("not in text"),), open=False)),
                            label="Sections"),
        "hostile": Picture((Line.of(hostile, wraps=True),
                            Grid(((Span(hostile), Span("x")),), (hostile, "b"), flexible=0, label="<b>"),
                            Output((hostile,)), Tree((Node("<", (Span(hostile),)),), label="Hostile")), label=hostile),
    }  # fmt: skip


def in_terminal(picture: Picture, *, width: int = 80, theme: str = "") -> str:
    """The picture in a terminal of this width: text, or with a theme ("light", "dark") HTML."""
    # no ends of lines are cut off here: a terminal would wrap them
    console = Console(file=io.StringIO(), record=bool(theme), width=width, color_system="standard" if theme else None,
                      force_terminal=bool(theme), legacy_windows=False)  # fmt: skip
    console.print(as_rich(picture))
    if not theme:
        return console.file.getvalue()  # type: ignore[attr-defined]
    colours = MONOKAI if theme == "dark" else DEFAULT_TERMINAL_THEME
    return console.export_html(theme=colours, inline_styles=True, code_format="{code}")


def recorded() -> dict[str, Picture]:
    """The pictures of real builds, of a push, and of the start of a pod."""
    push = TransferState()
    for event in push_events.EVENTS:
        push = apply_transfer(push, event)
    return {
        "recorded build": BuildView().render(build_events.state("good")),
        "recorded failed build": BuildView().render(build_events.state("failing")),
        "recorded push": TransferView().render(push),
        "recorded pod": PodStartView().render(pod_events.state()),
    }


STYLE = """
body { margin: 0; padding: 8px; background: var(--jp-layout-color0); color: var(--jp-ui-font-color1);
       font: 13px/1.45 system-ui, sans-serif; }
h2 { margin: 18px 0 4px; font-size: 13px; }
.drawers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 560px), 1fr)); gap: 8px; }
.drawers > * { min-width: 0; }
pre { margin: 2px 0; overflow: auto; font: 12px/1.35 ui-monospace, monospace; }
/* JupyterLab's themes */
.light { --jp-layout-color0: #fff; --jp-layout-color1: #fff; --jp-ui-font-color0: #000;
         --jp-ui-font-color1: rgba(0, 0, 0, 0.87); --jp-brand-color1: #1976d2; --jp-success-color1: #388e3c;
         --jp-error-color1: #d32f2f; --jp-warn-color1: #f57c00; }
.dark { --jp-layout-color0: #111; --jp-layout-color1: #212121; --jp-ui-font-color0: #fff;
        --jp-ui-font-color1: rgba(255, 255, 255, 0.87); --jp-brand-color1: #2196f3; --jp-success-color1: #4caf50;
        --jp-error-color1: #f44336; --jp-warn-color1: #ff9800; color-scheme: dark; }
"""
# a widget's model without a kernel: it answers what a tree asks
SCRIPT = """
import widget from '/picture.js';
const later = JSON.parse(document.getElementById('later').textContent);
for (const place of document.querySelectorAll('[data-picture]')) {
  const heard = [];
  const state = { snapshot: JSON.parse(place.dataset.picture), sequence: 0, finished: true, stopped: false };
  const model = {
    get: (name) => state[name],
    on: (event, callback) => event === 'msg:custom' && heard.push(callback),
    send: ({ type, id, name }) => {
      if (type !== 'action') return;
      const value = name === 'children' ? { nodes: later } : { source: '%docker volume inspect data' };
      for (const callback of heard) callback({ type: 'reply', id, value }, []);
    },
  };
  const { initialize, render } = widget();
  initialize({ model });
  render({ model, el: place });
}
document.body.dataset.ready = 'true';
"""


def page(theme: str = "light") -> str:
    """The gallery as HTML; its script is `/picture.js`."""
    sections = []
    for name, picture in (pictures() | recorded()).items():
        snapshot = escape(json.dumps(whole(picture)), quote=True)
        sections.append(
            f'<section data-name="{name}"><h2>{name}</h2><div class="drawers"><div data-picture="{snapshot}"></div>'
            f'<div class="static">{as_html(picture)}</div>'
            f'<pre class="terminal" tabindex="0">{in_terminal(picture, theme=theme)}</pre>'
            f'<pre class="text" tabindex="0">{escape(as_text(picture))}</pre></div></section>'
        )
    css = (STATIC / "picture.css").read_text("utf-8")
    later = json.dumps(as_json(LATER)).replace("<", "\\u003c")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Gallery</title><style>{css}{STYLE}</style>'
        f'</head><body class="{theme}"><main>{"".join(sections)}</main>'
        f'<script type="application/json" id="later">{later}</script><script type="module">{SCRIPT}</script>'
        "</body></html>"
    )


if __name__ == "__main__":
    script = json.dumps((STATIC / "picture.js").read_text("utf-8")).replace("<", "\\u003c")
    blob = f"URL.createObjectURL(new Blob([{script}], {{ type: 'text/javascript' }}))"
    standalone = page().replace("import widget from '/picture.js';", f"const widget = (await import({blob})).default;")
    Path(sys.argv[1]).write_text(standalone, "utf-8")
