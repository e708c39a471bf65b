"""The lesson on the Dockerfile, executed with its solutions: its cells show what its text says."""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.lessons import execute, execute_lesson, read, with_solutions
from tests.notebooks.names import STATE

KILLED_AFTER = 10  # seconds that docker stop waits
FIRST_REQUEST = 'ask = "curl -s --retry 9 --retry-connrefused http://127.0.0.1:8080"'
LEFT = """# what is left
print([nbc.containers.list(all=True, filters=[f"label={mine}"]).names, nbc.images.list(name=app).names])
print(nbc.volumes.list(filters=[f"label={mine}"]).names)
print(folder)
"""


class Executed:
    """An executed notebook, by the first lines of its cells."""

    def __init__(self, cells: Sequence[nbformat.NotebookNode]) -> None:
        self.cells = cells

    def texts(self, line: str) -> list[str]:
        """What each cell with this first line showed."""
        found = [cell.outputs for cell in self.cells if cell.source.partition("\n")[0] == line]
        assert found, line
        return ["\n".join(map(_text, outputs)) for outputs in found]

    def text(self, line: str) -> str:
        """What the only such cell showed."""
        (text,) = self.texts(line)
        return text

    def lines(self, line: str) -> list[str]:
        """What the container printed that the only such cell ran."""
        return re.findall(r"^  │ ?(.*)$", self.text(line), re.MULTILINE)

    def seconds(self) -> list[float]:
        """How long each measured cell took."""
        times = [re.search(r"Wall time: ([\d.]+) (m?s)", text) for text in self.texts("%%time")]
        return [float(each[1]) / (1000 if each[2] == "ms" else 1) for each in times]


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "error":
        return str(output.evalue)
    return str(output.get("text") or output.data["text/plain"])


@pytest.mark.timeout(600)
def test_dockerfile(home, tmp_path, monkeypatch):
    cells = _with_another_change(with_solutions(read("dockerfile").cells))
    cells.append(nbformat.v4.new_code_cell(LEFT))
    notebook = execute_lesson(cells, tmp_path, monkeypatch, home)
    executed = Executed([cell for cell in notebook.cells if cell.cell_type == "code"])
    _check_classic_example(executed)
    _check_commands(executed)
    _check_variables_and_cache(executed)
    _check_other_instructions(executed, runs_health_checks="docker.sock" in home["DOCKER_HOST"])
    _check_exercises(executed)
    *left, folder = executed.text("# what is left").splitlines()
    assert left == ["[[], []]", "[]"]
    assert not Path(folder).exists()


@pytest.mark.parametrize("by", ["lesson", "test"])
def test_clean_up_leaves_the_same_image_of_another_reader(by, podman_engine, tmp_path, monkeypatch):
    names, clean_up = (
        next(cell.source for cell in read("dockerfile").cells if cell.cell_type == "code" and start in cell.source)
        for start in ("import nbcontainer as nbc", "images.remove(")
    )
    begin = ["%load_ext nbcontainer", names]
    same = f"%%dockerfile -t {{{{app}}}}:3\nFROM busybox\nRUN echo {secrets.token_hex(8)}"
    start = '%docker run -d --name {{web}} {{app}}:3 sleep 600\nprint(web, nbc.images.get(f"{app}:3").id)'
    check = "print(nbc.containers.list(filters=[f'label={mine}']).names, nbc.images.list(name=app).names)"

    def run(reader, *sources):
        """What the cells of this reader print."""
        variables = {"XDG_DATA_HOME": tmp_path / reader, "JPY_SESSION_NAME": "/home/jovyan/dockerfile.ipynb"}
        variables |= {"DOCKER_HOST": podman_engine.host, "DOCKER_CONFIG": tmp_path / "docker-config"}
        cells = [nbformat.v4.new_code_cell(source) for source in [*begin, *sources]]
        outputs = execute(cells, tmp_path, monkeypatch, **variables).cells[-1].outputs
        return [output.text for output in outputs if output.output_type == "stream"]

    try:
        ann, bob = (run(reader, same, start)[-1].split() for reader in ("ann", "bob"))
        assert ann[1] == bob[1]  # one image
        run("ann", clean_up if by == "lesson" else STATE, *[clean_up] * (by == "test"))
        (left,) = run("bob", check)
        assert bob[0] in left
        assert ":3" in left
        assert ann[0].split("-")[1] not in left
    finally:
        (left,) = run("bob", clean_up, check)
    assert left.strip() == "[] []"


def _with_another_change(cells):
    """The two cells of the second exercise twice, as its text says."""
    first = next(index for index, cell in enumerate(cells) if cell.source.startswith("changed = "))
    again = [nbformat.v4.new_code_cell(cell.source) for cell in cells[first : first + 2]]
    return [*cells[: first + 2], *again, *cells[first + 2 :]]


def _check_classic_example(executed):
    """It builds, fails for two reasons, and is mended."""
    assert "MAINTAINER is deprecated" in executed.text("%%dockerfile -t {{app}}:1 --add app.py=source")
    assert "no command 'python'" in executed.text("%docker run --rm {{app}}:1")
    assert executed.lines("%docker run --rm {{app}}:1 sh -c 'ls /usr/bin | grep -E \"python|curl\"'") == ["curl"]
    assert "MAINTAINER" not in executed.text("%%dockerfile -t {{app}}:2 --add app.py=source")
    assert "Ann Example" in executed.text('nbc.images.get(f"{app}:2").labels')
    assert "can't open file" in executed.text("%docker run --rm {{app}}:2")
    assert executed.lines("%docker run --rm {{app}}:2 sh -c 'pwd; ls /app'") == ["/", "app.py"]
    mended = executed.text("%%dockerfile -t {{app}}:3 --add app.py=source")
    assert re.search(r"RUN apt-get .* +cached$", mended, re.MULTILINE)


def _check_commands(executed):
    """Shell form and exec form; CMD and ENTRYPOINT."""
    for name, number in (("", "1"), ("-shell", r"(?!1 )\d+"), ("-exercise", "1")):
        asked = f"%docker run --rm --network container:{{{{web}}}}{name} {{{{app}}}}:3 sh -c {{{{ask}}}}"
        assert executed.lines(asked if name else FIRST_REQUEST) == ["Hello from myapp!"]
        assert re.search(rf"myapp is process {number} and", executed.text(f"%docker logs {{{{web}}}}{name}"))
    quick, slow, solved = executed.seconds()
    assert quick < KILLED_AFTER <= slow
    assert solved < KILLED_AFTER
    ended = executed.text("%docker ps -a --filter name={{web}}")
    assert re.findall(r"Exited \((\d+)\)", ended) == ["137", "0"]
    assert executed.lines("%docker run --rm {{app}}:exec") == ["starting $APP_NAME"]
    assert executed.lines("%docker run --rm {{app}}:greeting") == ["Hello, world"]
    assert executed.lines("%docker run --rm {{app}}:greeting reader") == ["Hello, reader"]
    assert re.fullmatch(r"\d{4}", executed.lines("%docker run --rm --entrypoint date {{app}}:greeting +%Y")[0])


def _check_variables_and_cache(executed):
    """ARG and ENV; what the cache keeps; what .dockerignore leaves out."""
    built = "built: version=2 name=myapp"
    assert executed.lines("%docker run --rm {{app}}:args") == [built, "now: version= name=myapp"]
    assert executed.lines("%docker run --rm -e APP_NAME=shop {{app}}:args") == [built, "now: version= name=shop"]
    first, second = executed.texts("%docker run --rm {{app}}:cache")
    assert ("first" in first, "second" in second) == (True, True)
    (before, after), (same, later) = (re.findall(r"\d\d:\d\d:[\d.]+", text) for text in (first, second))
    assert before == same
    assert after != later
    assert {".env", "holiday.mp4"} <= _files(executed.lines("%docker run --rm {{app}}:everything"))
    assert _files(executed.lines("%docker run --rm {{app}}:ignored")) == {"app.py"}


def _files(listing):
    return {line.split()[-1] for line in listing if not line.startswith("total")}


def _check_other_instructions(executed, *, runs_health_checks):
    """USER, ADD, VOLUME and HEALTHCHECK."""
    assert executed.lines("%docker run --rm {{app}}:user")[0].startswith("uid=1000(ann)")
    assert executed.lines("%docker run --rm {{app}}:add") == ["/added:", "app.py", "", "/copied:", "files.tar"]
    assert executed.lines("%docker run --rm {{app}}:volume") == ["1 /data/visits.txt"]
    kept = executed.texts("%docker run --rm -v {{web}}:/data {{app}}:volume")
    assert [text.count(f"{number} /data") for number, text in enumerate(kept, 1)] == [1, 1]
    assert not runs_health_checks or re.search(r"\((healthy|health: starting)\)", executed.text("import time"))


def _check_exercises(executed):
    *_, second = executed.texts("%%dockerfile -t {{app}}:exercise2 --add app.py=changed")
    assert re.search(r"RUN python3 .* cached$", second, re.MULTILINE)
    greetings = re.findall(r"│ (.*)", executed.text("%docker run --rm {{app}}:exercise3"))
    assert greetings[:3] == ["Hello world", "Hello Ben", "Hi Ben"]
    assert greetings[3].startswith("uid=1234")
    assert greetings[4:] == ["/greet"]
    assert executed.lines("%docker run --rm {{app}}:ciao") == ["Ciao world"]
