"""For every test: isolation from the user's own files, the environment's parts as fixtures, and no silent skips.

A test whose part is missing is skipped with the reason. With NBCONTAINER_REQUIRE_ALL=1, as `make test` sets it where
this kind of machine has all parts, a skip is a failure.
"""

import functools
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

import nbcontainer.api  # noqa: F401 - errors that no magic raises are then in Python's words
from tests.environment import parts
from tests.environment.part import Part

# stand-ins for packages whose import is slow, in this process and in those that tests start
SLOW_IMPORTS = str(Path(__file__).parent / "environment" / "slow_imports")
sys.path.insert(0, SLOW_IMPORTS)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (SLOW_IMPORTS, os.environ.get("PYTHONPATH"))))

pytest.register_assert_rewrite("tests.log_files")

# no deadline per example: with other columns running none would be met
hypothesis.settings.register_profile("nbcontainer", deadline=None)
hypothesis.settings.load_profile("nbcontainer")

# fixtures for something real outside this process: engines, registries, clusters, a browser
LIVE = {
    "asked",
    "browser",
    "builder",
    "buildkitd",
    "daemon",
    "docker",
    "docker20_engine",
    "docker_buildkit",
    "docker_engine",
    "engine",
    "far",
    "home",
    "kubernetes",
    "kubernetes_cluster",
    "kwok_cluster",
    "lab",
    "live_shell",
    "make_buildkitd",
    "new_engine",
    "old_engine",
    "open_registry",
    "open_stream",
    "own_cluster",
    "password_registry",
    "podman",
    "podman_engine",
    "podman_far",
    "podman_rootless_engine",
    "private_environment",
    "registries",
    "registry",
    "rig",
    "space",
    "ssh",
    "token_registry",
    "token_registry_address",
    "terminal",
    "tokens",
    "verdict",
}


def pytest_configure(config):
    config.addinivalue_line("markers", "live: talks to an engine, a registry, a cluster or a browser (set by fixtures)")


def pytest_collection_modifyitems(items):
    for item in items:
        values = getattr(
            getattr(item, "callspec", None), "params", {}
        ).values()  # a fixture may be named by a parameter
        if LIVE & {*getattr(item, "fixturenames", ()), *(value for value in values if isinstance(value, str))}:
            item.add_marker("live")


def _allow_no_skip(report, nodeid):
    """Turns a skip into a failure where no skips are allowed."""
    if report.skipped and os.environ.get("NBCONTAINER_REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{nodeid} was skipped, and on this machine nothing may be: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    return _allow_no_skip((yield), item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _allow_no_skip((yield), collector.nodeid)


# messages of failures that only say that something took too long
LATE = re.compile(
    r"TimeoutE|Timeout \(?[>\d]|timed out|in time$|not so after|did not (answer within|come about|end)|still runs|"
    r"(monotonic|perf_counter)\(\) - |seconds < ",
    re.MULTILINE,
)


def pytest_terminal_summary(terminalreporter):
    """Lists the tests that failed only on a time limit, for scripts/test.py."""
    for report in (*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")):
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None and LATE.search(crash.message):
            terminalreporter.write_line(f"too late: {report.nodeid}")


@pytest.fixture(autouse=True)
def nothing_of_the_users_own(tmp_path_factory, monkeypatch):
    """Hides the configuration, credentials and clusters of the user who runs the tests."""
    folder = tmp_path_factory.getbasetemp() / "no-configuration"
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "BUILDX_BUILDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(folder / "docker"))
    monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    yield
    (folder / "kubeconfig").unlink(
        missing_ok=True
    )  # otherwise a kubeconfig written by one test would be the next one's cluster


@dataclass(frozen=True)
class EngineAddress:
    """An engine of the environment: its DOCKER_HOST, and the variables for its docker command."""

    host: str
    variables: dict[str, str]


@dataclass(frozen=True)
class RegistryAddress:
    """A registry of the environment; user and password are the ones it accepts."""

    address: str
    user: str = "alice"
    password: str = "secret"


@dataclass(frozen=True)
class ClusterAddress:
    """A cluster of the environment."""

    kubeconfig: Path
    viewer: Path


@functools.cache
def part(name: str) -> Part:
    """A part that is up, checked once; otherwise the test is skipped with the reason."""
    found = parts()[name]
    status = found.status()
    if not status:
        pytest.skip(f"{name}: {status.detail}")
    return found


def _engine(name: str) -> EngineAddress:
    found = part(name)
    return EngineAddress(found.host, found.env())


@pytest.fixture(scope="session")
def docker_engine() -> EngineAddress:
    """Docker Engine with BuildKit."""
    return _engine("docker")


@pytest.fixture(scope="session")
def docker20_engine() -> EngineAddress:
    """The old Docker Engine of the distribution."""
    return _engine("docker20")


@pytest.fixture(scope="session")
def podman_engine() -> EngineAddress:
    """Podman as root."""
    return _engine("podman")


@pytest.fixture(scope="session")
def podman_rootless_engine() -> EngineAddress:
    """Podman of an unprivileged user."""
    return _engine("podman-rootless")


@pytest.fixture(scope="session")
def open_registry() -> RegistryAddress:
    """Anybody may pull and push."""
    return RegistryAddress(part("registry").address)


@pytest.fixture(scope="session")
def token_registry_address() -> RegistryAddress:
    """Hands out bearer tokens as Docker Hub does: anybody may pull, alice may push."""
    return RegistryAddress(part("registry-token").address)


@pytest.fixture(scope="session")
def kubernetes_cluster() -> ClusterAddress:
    """A real node."""
    variables = part("kubernetes").env()
    return ClusterAddress(Path(variables["KUBECONFIG"]), Path(variables["NBCONTAINER_TEST_KUBECONFIG_VIEWER"]))
