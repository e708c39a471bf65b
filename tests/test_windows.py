"""No import needs what Windows lacks; what cannot work there says so."""

import subprocess
import sys
from pathlib import Path

import pytest

import nbcontainer

# a Python without what only POSIX has, in which everything of ours is imported; others' packages come first, since they
# know Windows by its name
WITHOUT = """
import importlib, os, select, signal, socket, sys
for name in OTHERS:
    importlib.import_module(name)

POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in POSIX_ONLY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
for name in POSIX_ONLY:
    sys.modules.pop(name, None)
for module, names in {
    os: ("fork", "geteuid", "getuid", "killpg", "mkfifo", "mknod", "setsid", "sysconf"),
    select: ("POLLIN", "POLLOUT", "epoll", "poll"),
    signal: ("SIGKILL", "SIGHUP", "SIGUSR1"),
    socket: ("AF_UNIX", "SO_PEERCRED"),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""
OTHERS = (
    "aiohttp",
    "_pytest.faulthandler",
    "_pytest.terminal",
    "anywidget",
    "asyncio",
    "concurrent.futures.thread",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "h2.connection",
    "IPython.display",
    "ipywidgets",
    "kubernetes.client",
    "multiprocessing",
    "hypothesis",
    "orjson",
    "platformdirs",
    "rich.console",
    "subprocess",
    "tempfile",
    "yaml",
)
PACKAGE = Path(nbcontainer.__file__).parent
MODULES = sorted(
    ".".join(("nbcontainer", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in {"frontend", "static", "labextension"}
)


def run_without_posix(code: str) -> subprocess.CompletedProcess[str]:
    head = WITHOUT.replace("OTHERS", repr(OTHERS))
    return subprocess.run([sys.executable, "-c", f"{head}\n{code}"], capture_output=True, text=True, check=False)


def test_every_module_is_imported_without_what_only_posix_has():
    done = run_without_posix(
        f"names = {MODULES!r}\nfor name in names:\n    importlib.import_module(name)\n"
        "print(len(names), 'resource' in sys.modules)"
    )
    assert done.stdout.split() == [str(len(MODULES)), "False"], done.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import nbcontainer.engines.dial as d; d.sys = type('', (), {'platform': 'win32'}); d.dial('unix:///x')",
            "Python on Windows does not support Unix sockets.",
        ),
        ("from nbcontainer.engines.dial import dial; dial('npipe:////./pipe/docker_engine')", "named pipes"),
    ],
)
def test_what_cannot_work_there_says_so(code, said):
    done = run_without_posix(code)
    assert said in done.stderr
    assert "Unsupported" in done.stderr


def test_the_quick_tests_pass_without_what_only_posix_has():
    tests = Path(__file__).parent
    quick = ["dockerfile/test_text.py", "dockerfile/test_stages.py", "dockerfile/test_substitution.py",
             "magics/test_verbs.py", "views/test_tables.py", "test_errors.py"]  # fmt: skip
    chosen = [str(tests / name) for name in quick]
    # pytest itself recognises Windows by name, and looks up the user
    done = run_without_posix(
        "os.getuid = lambda: 0\nimport pytest\n"
        "options = ['-q', '-p', 'no:cacheprovider', '--noconftest', '-W', 'ignore', '-k', 'not real_shell']\n"
        f"sys.exit(pytest.main([*options, *{chosen!r}]))"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
