"""The house's rules: who imports whom, and what `%load_ext` loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nbcontainer

PACKAGE = Path(nbcontainer.__file__).parent
HEAVY = ("docker", "kubernetes", "aiohttp", "anywidget", "ipywidgets", "rich", "yaml", "h2", "cryptography")

# each part of the house, and the parts that it may import
ALLOWED = {
    "version": set(),
    "loading": set(),
    "errors": set(),
    "interrupts": {"errors"},
    "settings": {"errors"},
    "spool": {"errors", "settings"},
    "proxies": set(),
    "replies": set(),
    "request_log": set(),
    "model": {"loading", "errors", "kubernetes_yaml"},
    "dockerfile": {"errors", "model"},
    "operation": {"errors", "interrupts", "model"},
    "buildkit": set(),
    "kubernetes_yaml": {"errors"},
    "engines": {
        "loading",
        "errors",
        "settings",
        "spool",
        "model",
        "dockerfile",
        "operation",
        "buildkit",
        "proxies",
        "replies",
        "request_log",
        "kubernetes_yaml",
    },
    "clusters": {
        "loading",
        "errors",
        "settings",
        "spool",
        "model",
        "operation",
        "proxies",
        "replies",
        "request_log",
        "kubernetes_yaml",
    },
    "identity": set(),
    "addresses": set(),
    "protection": {"addresses", "errors", "settings", "engines", "clusters"},
    "pods_home": {"errors", "settings", "model", "operation", "engines", "clusters", "protection"},
    "diagnosis": {
        "errors",
        "interrupts",
        "settings",
        "model",
        "engines",
        "clusters",
        "pods_home",
        "protection",
        "version",
    },
    "api": {
        "loading",
        "errors",
        "settings",
        "spool",
        "model",
        "dockerfile",
        "operation",
        "engines",
        "clusters",
        "identity",
        "pods_home",
        "protection",
    },
    "codec": {"errors", "model", "api"},
    "widgets": {"errors", "interrupts"},
    "views": {"loading", "errors", "interrupts", "settings", "spool", "model", "operation", "widgets"},
    "language": {"errors", "model", "dockerfile", "kubernetes_yaml"},
    "verbs": {"errors"},
    "magics": {
        "errors",
        "interrupts",
        "settings",
        "spool",
        "protection",
        "model",
        "dockerfile",
        "operation",
        "api",
        "views",
        "language",
        "verbs",
        "diagnosis",
    },
    "__init__": {"loading", "errors", "settings", "api", "diagnosis", "identity", "magics", "version"},
}
KNOW_IPYTHON = {"magics", "views", "widgets"}
FRONT_END = {"frontend", "static", "labextension"}


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _modules() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if _part(path) not in FRONT_END]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:  # within a part, which is one folder
                assert node.level == 1, path
                assert path.parent != PACKAGE, path
                continue
            # `from nbcontainer import api` imports the part `api`
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "nbcontainer" else {module}
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_keep_the_directions_of_the_design(path):
    part = _part(path)
    assert part in ALLOWED, f"{part} is a new part of the house: say in ALLOWED whom it may import"
    for name in _imports(path):
        words = name.split(".")
        if words[0] == "nbcontainer":
            other = words[1] if len(words) > 1 else "__init__"
            assert other in ALLOWED[part] | {part}, f"{part} may not import {other}"
        if words[0] in {"IPython", "ipykernel", "ipywidgets", "anywidget"}:
            assert part in KNOW_IPYTHON, f"{part} knows IPython"


def test_the_model_needs_the_standard_library_alone():
    for path in (PACKAGE / "model").glob("*.py"):
        names = {name.split(".")[0] for name in _imports(path)} - {"nbcontainer", "pandas"}
        assert names <= set(sys.stdlib_module_names), path


def test_buildkit_needs_h2_cryptography_and_the_standard_library_alone():
    for path in (PACKAGE / "buildkit").glob("*.py"):
        names = {name.split(".")[0] for name in _imports(path)} - {
            "nbcontainer",
            "h2",
            "hpack",
            "hyperframe",
            "cryptography",
        }
        assert names <= set(sys.stdlib_module_names), path


def test_load_ext_loads_nothing_heavy():
    code = f"""
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "nbcontainer")
loaded = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(sorted(loaded & set({HEAVY!r})))
assert shell.find_cell_magic("dockerfile") and shell.find_line_magic("kpod")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_received_files_reach_the_disk_by_one_way():
    """`buildkit/destination.py` follows no link; what unpacks by itself would."""
    for path in _modules():
        calls = [
            node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        ]
        names = {call.attr for call in calls if isinstance(call, ast.Attribute)}
        assert not names & {"extract", "extractall", "unpack_archive"}, path


COMMAND = re.compile(
    r"(^|`)(docker|podman|kubectl) (?!is |info`|context $)"
)  # the rest are no commands, or of no place


@pytest.mark.parametrize(
    "part", ["engines", "clusters", "pods_home", "diagnosis", "api", "protection", "views", "model"]
)
def test_commands_for_a_terminal_are_written_in_one_place(part):
    for path in (path for path in _modules() if _part(path) == part):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        words = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
        found = [word.value for word in words if isinstance(word.value, str) and COMMAND.search(word.value)]
        assert not found, f"{path.name}: model/commands.py writes them: {found}"
