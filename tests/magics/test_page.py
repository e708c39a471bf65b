"""Cells as a page sends them, with their ids: widgets, their snapshots, and tables that live on."""

import json
import secrets
import time

WIDGET = "application/vnd.jupyter.widget-view+json"
NAME = f"page-{secrets.token_hex(3)}"
VIEWS = "import threading; print(sum('watch of pods' in t.name for t in threading.enumerate()))"


def test_a_build_is_a_widget_and_its_snapshot(docker_kernel):
    ran = docker_kernel.run("%%dockerfile --no-cache\nFROM busybox\nRUN echo hi; sleep 1", cell="build")
    assert ran.kinds == ["display_data"]
    assert set(ran.bundles[0]) == {WIDGET, "text/plain", "text/html"}
    assert "building" in ran.sent("display_data")[0]["data"]["text/plain"]
    assert "✓ built" in ran.bundles[0]["text/plain"]  # by update_display at the end
    assert "✓ built" in ran.bundles[0]["text/html"]
    assert len(ran.sent("update_display_data")) == 1
    opened = [content["target_name"] for content in ran.sent("comm_open")]
    assert opened.count("jupyter.widget") == 2  # layout and widget
    assert opened.count("nbcontainer:problems") <= 1  # with the first cell of a kernel
    assert not ran.streamed


def test_a_result_is_drawn_once_in_its_cell_and_again_in_others(docker_kernel):
    ran = docker_kernel.run("r = %docker run --rm busybox echo hello\nr", cell="run")
    assert ran.kinds == ["display_data"]
    assert "│ hello" in docker_kernel.run("r", cell="later").text


def test_a_table_lives_on_after_its_cell_until_that_cell_runs_again(docker_kernel):
    kernel = docker_kernel
    assert WIDGET in kernel.run("%kpod", cell="table").bundles[0]
    assert kernel.run(VIEWS).printed == "1\n"
    kernel.run(f"%kpod create {NAME} --image=busybox --no-wait -- sleep 600")
    try:
        kernel.collect(20, lambda r: any(NAME in json.dumps(content) for content in r.sent("comm_msg")))
    finally:
        kernel.run(f"%kpod delete {NAME} -y --force")
    kernel.run("%kpod", cell="table")
    kernel.run("import time\nwhile sum('watch of pods' in t.name for t in threading.enumerate()) > 1: time.sleep(0.05)")
    kernel.run("%kpod", cell="another")
    assert kernel.run(VIEWS).printed == "2\n"


def test_a_table_of_podmans_pods_sleeps_without_a_thread_and_wakes(podman_kernel):
    kernel = podman_kernel
    widget = kernel.run("import anywidget\n%kpod", cell="podman").bundles[0][WIDGET]["model_id"]
    threads = "import threading; print(sum('watch of pods' in t.name for t in threading.enumerate()))"

    def waited_for(count):
        deadline = time.monotonic() + 30
        while kernel.run(threads).printed != f"{count}\n":
            assert time.monotonic() < deadline
            time.sleep(0.3)  # the lease's clock stands still while the shell is busy

    waited_for(2)  # the view's and the operation's
    kernel.run("1", cell="last", deleted=("podman",))
    waited_for(0)
    kernel.run(f"%kpod create {NAME} --image=busybox --no-wait -- sleep 600")
    try:
        kernel.tell(widget, {"type": "seen"})
        kernel.collect(20, lambda ran: any(NAME in json.dumps(content) for content in ran.sent("comm_msg")))
    finally:
        kernel.run(f"%kpod delete {NAME} -y --force")


def test_a_watch_that_holds_the_cell_ends_by_interrupt_with_its_last_view(docker_kernel):
    ran = docker_kernel.run("%kpod -w", cell="watch", when=lambda r: bool(r.bundles), then=docker_kernel.interrupt)
    assert (ran.error, ran.kinds) == ("", ["display_data"])
    assert ran.seconds < 2.5


def test_without_the_built_page_a_still_picture_takes_the_widgets_place(docker_kernel):
    kernel = docker_kernel
    kernel.run("from pathlib import Path\nfrom nbcontainer.widgets import live\n"
               "kept, live.STATIC = live.STATIC, Path('not-there')")  # fmt: skip
    try:
        kernel.run("live.widget_class.cache_clear()")
        ran = kernel.run("%%dockerfile --no-cache\nFROM busybox\nRUN echo hi", cell="still")
    finally:
        kernel.run("live.STATIC = kept")
    assert ran.kinds == ["display_data"]
    assert set(ran.bundles[0]) == {"text/plain", "text/html"}
    assert "✓ built" in ran.bundles[0]["text/plain"]


def test_what_is_refused_at_once_shows_only_its_error(docker_kernel):
    ran = docker_kernel.run("%docker logs not-there-1", cell="refused")
    assert (ran.error, ran.kinds) == ("NotFound", ["error"])
