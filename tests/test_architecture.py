"""The architecture's rules: which part imports which, and what `%load_ext` loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nbcontainer

PACKAGE = Path(nbcontainer.__file__).parent
HEAVY = ("docker", "kubernetes", "aiohttp", "anywidget", "ipywidgets", "rich", "yaml", "h2", "cryptography")

# each part of the package, and the parts that it may import
ALLOWED = {
    "version": set(),
    "loading": {"interrupts"},
    "errors": set(),
    "existence": {"errors"},
    "interrupts": {"errors"},
    "drawn": set(),
    "settings": {"drawn", "errors"},
    "spool": {"errors", "settings"},
    "user_files": {"errors"},
    "proxies": set(),
    "tcp": set(),
    "proxy_tunnel": {"byte_stream", "proxies", "tcp"},
    "byte_stream": {"interrupts"},
    "http1": {"byte_stream"},
    "request_log": set(),
    "json_objects": set(),
    "model": {"drawn", "loading", "errors", "kubernetes_yaml", "user_files"},
    "dockerfile": {"errors", "model"},
    "operation": {"errors", "interrupts", "model"},
    "logs": {"errors", "model", "operation", "spool"},
    "buildkit": set(),
    "kubernetes_yaml": {"errors", "loading"},
    "engines": {
        "loading",
        "errors",
        "existence",
        "settings",
        "spool",
        "logs",
        "model",
        "dockerfile",
        "operation",
        "buildkit",
        "proxies",
        "proxy_tunnel",
        "tcp",
        "byte_stream",
        "http1",
        "request_log",
        "json_objects",
        "kubernetes_yaml",
    },
    "clusters": {
        "buildkit",  # its destination.py alone
        "user_files",
        "loading",
        "errors",
        "existence",
        "settings",
        "spool",
        "logs",
        "model",
        "operation",
        "proxies",
        "proxy_tunnel",
        "tcp",
        "byte_stream",
        "http1",
        "request_log",
        "json_objects",
        "kubernetes_yaml",
    },
    "identity": set(),
    "ledger": {"identity"},
    "addresses": set(),
    "call_arguments": {"errors"},
    "protection": {"addresses", "call_arguments", "errors", "settings", "engines", "clusters"},
    "pods_backend": {"errors", "settings", "logs", "model", "operation", "engines", "clusters", "protection"},
    "diagnosis": {
        "loading",
        "errors",
        "interrupts",
        "settings",
        "model",
        "engines",
        "clusters",
        "pods_backend",
        "protection",
        "version",
        "json_objects",
    },
    "api": {
        "call_arguments",
        "drawn",
        "loading",
        "verbs",
        "errors",
        "existence",
        "settings",
        "spool",
        "logs",
        "model",
        "dockerfile",
        "operation",
        "engines",
        "clusters",
        "identity",
        "ledger",
        "pods_backend",
        "protection",
        "json_objects",
        "user_files",
    },
    "codec": {"errors", "model", "api"},
    "widgets": {"loading", "errors", "interrupts"},
    "views": {"loading", "errors", "interrupts", "settings", "spool", "model", "operation", "verbs", "widgets"},
    "language": {"dockerfile"},
    "verbs": {"errors", "loading"},
    "magics": {
        "drawn",
        "identity",
        "json_objects",
        "loading",
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
        "lessons",
        "user_files",
    },
    "lessons": {"errors", "identity", "model", "protection"},
    "__init__": {
        "drawn",
        "lessons",
        "loading",
        "errors",
        "logs",
        "views",
        "settings",
        "api",
        "diagnosis",
        "identity",
        "magics",
        "version",
    },
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


def test_the_model_needs_only_the_standard_library():
    for path in (PACKAGE / "model").glob("*.py"):
        names = {name.split(".")[0] for name in _imports(path)} - {"nbcontainer", "pandas"}
        assert names <= set(sys.stdlib_module_names), path


def test_buildkit_needs_only_h2_cryptography_and_the_standard_library():
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


def test_handles_load_what_does_the_work_only_on_use():
    code = """
import sys
import nbcontainer.api.cluster, nbcontainer.api.engine
print([name for name in sys.modules if name.startswith(("nbcontainer.clusters.", "nbcontainer.engines."))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_received_files_reach_the_disk_by_one_way():
    """`buildkit/destination.py` follows no link; a standard unpacker would."""
    for path in _modules():
        calls = [
            node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        ]
        names = {call.attr for call in calls if isinstance(call, ast.Attribute)}
        assert not names & {"extract", "extractall", "unpack_archive"}, path


NAMES = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in _modules()}
MODULES = {name.removesuffix(".__init__"): path for path, name in NAMES.items()}
# known cycles that are to be removed
CYCLES = {
    frozenset({"nbcontainer.buildkit.tokens", "nbcontainer.buildkit.token_requests"}),
}


def _is_for_types(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _nodes(tree):
    """A module without what only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if _is_for_types(node):
            yield from (part for other in node.orelse for part in ast.walk(other))
        else:
            yield node
            yield from _nodes(node)


def _modules_used(path):
    """The modules of the package that one imports anywhere, by name or by the attribute of a package (`loading.py`)."""
    nodes = list(_nodes(ast.parse(path.read_text(encoding="utf-8"))))
    packages, found = {}, set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                if (PACKAGE.parent / module.replace(".", "/")).is_dir():
                    packages[alias.asname or alias.name] = module
                found.add(module if module in MODULES else node.module)
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            found.add(f"{packages[node.value.id]}.{node.attr}")
    return (found & MODULES.keys()) - {"nbcontainer"}


def test_modules_have_no_import_cycles():
    uses = {name: _modules_used(path) for name, path in MODULES.items() if not path.name.startswith("__")}
    assert "nbcontainer.engines.volumes" in uses["nbcontainer.api.volumes"]  # by `engines.volumes.create(…)`
    assert "nbcontainer.api.engine" not in uses["nbcontainer.api.volumes"]  # only for types
    reached = {name: set(used) for name, used in uses.items()}
    for middle, further in reached.items():
        for used in reached.values():
            if middle in used:
                used.update(further)
    cycles = {frozenset(x for x in used if name in reached.get(x, ())) for name, used in reached.items()}
    assert cycles - {frozenset()} <= CYCLES


COMMAND = re.compile(
    r"(^|`)(docker|podman|kubectl) (?!is |info`|context $)"
)  # the rest are not commands, or not tied to a place


@pytest.mark.parametrize(
    "part", ["engines", "clusters", "pods_backend", "diagnosis", "api", "protection", "views", "model"]
)
def test_commands_for_a_terminal_are_written_in_one_place(part):
    for path in (path for path in _modules() if _part(path) == part):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        words = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
        found = [word.value for word in words if isinstance(word.value, str) and COMMAND.search(word.value)]
        assert not found, f"{path.name}: model/commands.py writes them: {found}"


def test_no_fact_of_an_error_is_changed():
    """Errors refuse it only at run time, on paths that may be rare; `replaced` returns a changed copy."""
    for path in (path for path in _modules() if _part(path) != "errors"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            changed = [target for target in targets if isinstance(target, ast.Attribute)]
            assert not {"message", "cure"} & {target.attr for target in changed}, f"{path.name}:{node.lineno}"
