"""Completion and help in a Dockerfile beside the language server of VS Code's Docker extension, position by position.

`python -m benchmarks.completion` prints a table of all positions of `tests/language/positions.json`; `--different` only
those where the two differ. npm installs the peer into the cache. What is right at a position is what the file says, and
what it says was looked up in BuildKit: the peer's column is read by that, not the other way round.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from nbcontainer.language.dockerfile import complete_dockerfile
from nbcontainer.language.hover import meaning_at
from tests.environment.folders import folder

PEER = "dockerfile-language-service@0.16.1"
POSITIONS = Path(__file__).parents[1] / "tests" / "language" / "positions.json"
_SHOWN = 6  # words of a list
_WIDTH = 46
_ASK = """
const { DockerfileLanguageServiceFactory } = require('dockerfile-language-service');
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
(async () => {
  const answers = [];
  for (const { text, line, character } of asked) {
    const service = DockerfileLanguageServiceFactory.createLanguageService();
    const position = { line, character };
    const items = (await service.computeCompletionItems(text, position)) ?? [];
    const hover = service.computeHover(text, position);
    const start = items[0]?.textEdit?.range?.start;
    answers.push({
      labels: items.map((item) => item.textEdit?.newText ?? item.label),
      start: start ? start.character : null,
      isBackwards: items.some(({ textEdit: { range } }) => range.start.line !== range.end.line),
      hover: hover ? JSON.stringify(hover.contents) : '',
    });
  }
  console.log(JSON.stringify(answers));
})();
"""


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.completion", description=__doc__)
    parser.add_argument("--different", action="store_true", help="only the positions where the two differ")
    only_different = parser.parse_args().different
    positions = json.loads(POSITIONS.read_text(encoding="utf-8"))
    peer = _ask([*positions["completion"], *positions["hover"]])
    counts: Counter[str] = Counter()
    print(f"| position | {PEER.partition('@')[0]} | nbcontainer | difference |\n|---|---|---|---|")
    for position, answer in zip(positions["completion"], peer, strict=False):
        own = _own(position["text"])
        theirs = list(dict.fromkeys(label.strip().replace("\n", " ") for label in answer["labels"]))
        verdict = _difference(own, theirs, answer, position)
        counts[f"completion: {_kind(verdict)}"] += 1
        if not only_different or verdict:
            print(f"| {_cell(position['text'])} | {_list(theirs)} | {_list(own)} | {verdict} |")
    for position, answer in zip(positions["hover"], peer[len(positions["completion"]) :], strict=True):
        found = meaning_at(*_cursor(position["text"]))
        said = (found.text or f"help on {found.word}") if found else ""
        verdict = "" if bool(said) == bool(answer["hover"]) else "peer lacks it" if said else "peer says something"
        counts[f"help: {verdict or 'both or neither'}"] += 1
        if not only_different or verdict:
            print(f"| {_cell(position['text'])} | {_short(answer['hover'])} | {said} | {verdict} |")
    print()
    for verdict, count in sorted(counts.items()):
        print(f"{count:4} {verdict}")
    return 0


def _ask(positions: list[dict[str, str]]) -> list[dict[str, Any]]:
    place = folder("peers")
    if not (place / "node_modules" / "dockerfile-language-service").exists():
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(place), PEER]
        subprocess.run(install, check=True)
    asked = []
    for position in positions:
        text, line, column = _cursor(position["text"])
        asked.append({"text": text, "line": line - 1, "character": column})
    done = subprocess.run(
        ["node", "-e", _ASK], input=json.dumps(asked), capture_output=True, text=True, check=True, cwd=place
    )
    return list(json.loads(done.stdout))


def _cursor(marked: str) -> tuple[str, int, int]:
    before, _, after = marked.partition("|")
    lines = before.split("\n")
    return before + after, len(lines), len(lines[-1])


def _own(marked: str) -> list[str]:
    return [item.text for item in complete_dockerfile(*_cursor(marked)).items]


def _bare(label: str) -> str:
    """A word without what the two write differently: `FROM ` and `FROM`, `${A}` and `A`, `--from` and `--from=`."""
    return label.upper().strip('${}" ').partition("=")[0].split(" ")[0]


def _difference(own: list[str], theirs: list[str], answer: dict[str, Any], position: dict[str, Any]) -> str:
    """In what the peer differs: "" where both offer the same words."""
    if "names" in position and not own:
        own = [f"({position['names']})"]
    ours_by, theirs_by = ({_bare(label): label for label in labels} for labels in (own, theirs))
    missing = [label for bare, label in ours_by.items() if bare not in theirs_by]
    further = [label for bare, label in theirs_by.items() if bare not in ours_by]
    found = ["peer starts before the line"] if answer["isBackwards"] else []
    found += [f"peer lacks {_list(missing)}"] if missing else []
    found += [f"peer adds {_list(further)}"] if further else []
    return "; ".join(found)


def _kind(difference: str) -> str:
    kinds = [kind for kind in ("starts before the line", "lacks", "adds") if kind in difference]
    return f"the peer {' and '.join(kinds)}" if kinds else "same"


def _cell(marked: str) -> str:
    text = marked.replace("|", "▮").replace("\n", "⏎")
    return f"`{text if len(text) <= _WIDTH else '…' + text[-_WIDTH:]}`"


def _list(labels: list[str]) -> str:
    shown = ", ".join(labels[:_SHOWN])
    return f"{shown}, … ({len(labels)})" if len(labels) > _SHOWN else shown or "nothing"


def _short(text: object) -> str:
    said = str(text).replace("|", "¦").replace("\n", " ")
    return f"{said[:_WIDTH]}…" if len(said) > _WIDTH else said or "nothing"


if __name__ == "__main__":
    sys.exit(main())
