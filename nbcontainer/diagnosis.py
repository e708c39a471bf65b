"""What is reachable, what is missing, and how to fix it: the first thing to run when something does not work.

The probes run in parallel, each on its own thread; a probe that does not finish within a few seconds is reported as
not answering.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from nbcontainer import clusters, engines
from nbcontainer.errors import ClusterUnavailable, EngineUnavailable, NbcontainerError
from nbcontainer.interrupts import interrupts_deferred
from nbcontainer.json_objects import text_of, value_of
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Tone
from nbcontainer.pods_backend import find_pods_backend
from nbcontainer.protection import Place, diagnoses, place_of_cluster, place_of_engine, protected_as
from nbcontainer.settings import settings
from nbcontainer.version import __version__

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

SECONDS = 10.0  # for all probes together; long enough for a private Podman to start
CALL_SECONDS = 2.0  # for each call to a cluster
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
MAY = {  # the permissions checked for pods: in words, and as the API's verb and subresource
    "list them": ("list", ""),
    "create them": ("create", ""),
    "delete them": ("delete", ""),
    "read their logs": ("get", "log"),
    "run commands in them": ("create", "exec"),
}
Probe = Callable[[], Iterator[Remark]]


@diagnoses
def doctor() -> Report:
    """What is reachable, what is missing, and how to fix it: engine, cluster, credentials, page, packages."""
    probes: tuple[tuple[str, Probe], ...] = (
        ("settings", _settings),
        ("engine", _engine),
        ("cluster", _cluster),
        ("credentials", _credentials),
        ("page", _page),
        ("packages", _packages),
    )
    return Report(tuple(_at_once(probes)))


def _at_once(probes: Sequence[tuple[str, Probe]]) -> list[Remark]:
    found: dict[str, list[Remark]] = {name: [] for name, _ in probes}
    threads = []
    for name, probe in probes:
        thread = threading.Thread(
            target=_fill, args=(found[name], name, probe), daemon=True, name=f"nbcontainer doctor: {name}"
        )
        with interrupts_deferred():
            thread.start()
        threads.append((name, thread))
    deadline = time.monotonic() + SECONDS
    remarks = []
    for name, thread in threads:
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.05)
        remarks += list(found[name])
        if thread.is_alive():
            words = f"{name}: no answer within {SECONDS:g} s"
            remarks.append(Remark(words, Tone.BAD, "It may be far away or overloaded; is the network or VPN up?"))
    return remarks


def _fill(remarks: list[Remark], name: str, probe: Probe) -> None:
    try:
        for remark in probe():
            remarks.append(remark)  # noqa: PERF402 - keep what was found, even if the next step fails
    except NbcontainerError as error:
        remarks.append(Remark(f"{name}: {error.message}", Tone.BAD, error.cure))


# --- the engine


def _engine() -> Iterator[Remark]:
    engines.connection.forget_engines()  # an engine found earlier may be gone
    try:
        engine = engines.connection.find_engine()
    except EngineUnavailable as error:
        yield Remark(f"engine: {error.message}", Tone.BAD, error.cure)
        if len(error.tried) > 1:
            yield Remark(f"tried: {', '.join(error.tried)}", Tone.DIM)
        return
    can = engine.capabilities
    builds = "builds with BuildKit" if can.buildkit else "builds without BuildKit: no secrets, no cache mounts"
    yield Remark(
        f"engine: {engine.name} ({can.platform}, API {can.api_version}), found by {engine.source}: "
        f"{engine.address}; {builds}"
    )
    sockets = [path for path in engines.addresses.usual_sockets() if _is_there(path)]
    others = [str(path) for path in sockets if f"unix://{path}" != engine.address]
    if others:
        yield Remark(f"other engines: {', '.join(others)}", Tone.DIM, "DOCKER_HOST=unix://… selects one of them.")
    yield from _protection(place_of_engine(engine))
    if not can.pods and not engines.private_podman.private_podman.installed():
        yield Remark("podman: not installed; only needed for pods without a cluster", Tone.DIM)


def _protection(place: Place) -> Iterator[Remark]:
    if name := next(protected_as(place), ""):
        yield Remark(
            f"{name} is protected: only calls that name it with --context={name} may change anything", Tone.DIM
        )


def _is_there(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:
        return False


# --- the cluster


def _cluster() -> Iterator[Remark]:
    try:
        cluster = clusters.connection.find_cluster()
    except ClusterUnavailable as error:
        if settings.context or clusters.kubeconfig.contexts()[0]:
            raise
        yield from _no_cluster(error)
        return
    version = cluster.call("GET", "/version", seconds=CALL_SECONDS)
    yield Remark(
        f"cluster: Kubernetes {text_of(version, 'gitVersion') or '?'} at {cluster.server}, context {cluster.context}, "
        f"namespace {cluster.namespace}" + (f", acting as {cluster.acts_as}" if cluster.acts_as else "")
    )
    yield from _rights(cluster)
    yield from _protection(place_of_cluster(cluster))


def _no_cluster(error: ClusterUnavailable) -> Iterator[Remark]:
    try:
        backend = find_pods_backend()
    except NbcontainerError:
        yield Remark(f"pods: {error.message}", Tone.WARNING, f"{error.cure} Or install Podman, which can run pods too.")
    else:
        yield Remark(f"pods: Podman's, on {backend.where}. {error.message}", Tone.GOOD, error.cure)


def _rights(cluster: Cluster) -> Iterator[Remark]:
    """What this user may do with pods in the cluster."""
    allowed: dict[bool, list[str]] = {True: [], False: []}
    for words, (verb, part) in MAY.items():
        attributes = {"namespace": cluster.namespace, "verb": verb, "resource": "pods", "subresource": part}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = cluster.call("POST", REVIEWS, body=review, seconds=CALL_SECONDS)
        allowed[bool(value_of(answer, "status", "allowed"))].append(words)
    if allowed[True]:
        yield Remark(f"pods in {cluster.namespace}: you may {_listed(allowed[True], 'and')}")
    if allowed[False]:
        cure = "Try another context or namespace, or ask the cluster's administrator."
        yield Remark(f"pods in {cluster.namespace}: you may not {_listed(allowed[False], 'or')}", Tone.WARNING, cure)


def _listed(words: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


# --- registries


def _credentials() -> Iterator[Remark]:
    config, file = engines.config.load_config(), engines.config.config_file()
    per_host = config.get("credHelpers")
    helpers = {str(config.get("credsStore") or ""): "all registries"} if config.get("credsStore") else {}
    for host, name in per_host.items() if isinstance(per_host, dict) else ():
        helpers[str(name)] = ", ".join(filter(None, (helpers.get(str(name), ""), str(host))))
    for name, hosts in helpers.items():
        program = f"docker-credential-{name}"
        if shutil.which(program) is None:
            yield Remark(
                f"credentials: {program} is not installed, but {file} names it for {hosts}",
                Tone.WARNING,
                f"Without it these registries are used anonymously. Install it, or remove it from {file}.",
            )
        else:
            yield Remark(f"credentials: {program} for {hosts}")
    auths = config.get("auths")
    known = sorted(auths) if isinstance(auths, dict) else []
    kept = (
        f"{len(known)} in {file}: {', '.join(known)}"
        if known
        else "none; `%docker login` or `nbc.registries.login(…)` adds one"
    )
    if known or not helpers:
        yield Remark(f"logins: {kept}", Tone.GOOD if known else Tone.DIM)


# --- the page


def _page() -> Iterator[Remark]:
    static = Path(__file__).parent / "static"
    if not (static / "tables.js").exists():
        yield Remark(
            "page: the widgets were not built; static pictures are shown instead", Tone.WARNING, "pip install -e ."
        )
    found = next(filter(Path.exists, (path / "nbcontainer" / "package.json" for path in _extension_folders())), None)
    if found is None:
        cure = "If JupyterLab is in another environment, install nbcontainer there; otherwise: pip install nbcontainer"
        yield Remark("page: no JupyterLab extension in this environment: no colours in cells", Tone.DIM, cure)
        return
    version = str(json.loads(found.read_text(encoding="utf-8")).get("version"))
    if version != __version__:
        words = f"page: the JupyterLab extension is version {version}, but the kernel's nbcontainer is {__version__}"
        yield Remark(words, Tone.WARNING, "Install the same version in both, and reload the page.")
    else:
        yield Remark(f"page: JupyterLab extension {version} in {found.parent}")


def _extension_folders() -> list[Path]:
    try:
        from jupyter_core.paths import jupyter_path  # noqa: PLC0415 - only if Jupyter is installed
    except ImportError:
        return [Path(sys.prefix) / "share/jupyter/labextensions"]
    return [Path(path) for path in jupyter_path("labextensions")]


# --- packages


def _settings() -> Iterator[Remark]:
    for problem in settings.problems:
        yield Remark(problem.message, Tone.BAD, problem.cure)


def _packages() -> Iterator[Remark]:
    versions, missing = [], []
    for requirement in metadata.requires("nbcontainer") or ():
        name, _, marker = requirement.partition(";")
        if "extra ==" in marker:
            continue
        name = re.split(r"[^\w.-]", name, maxsplit=1)[0]
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Remark(f"missing packages: {', '.join(missing)}", Tone.BAD, f"pip install {' '.join(missing)}")
    python = ".".join(map(str, sys.version_info[:3]))
    yield Remark(f"nbcontainer {__version__}, Python {python}; {', '.join(versions)}", Tone.DIM)
