"""The pod table over ten thousand pods, in an API server of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kernel import Kernel, fresh
from benchmarks.measuring import Comparison, MemoryRatio, MissingError, Program, Target
from benchmarks.notebook import NotebookKernel
from tests.clusters.own_cluster import OwnCluster
from tests.environment import cluster as environment

if TYPE_CHECKING:
    from collections.abc import Iterator

_PODS = 10_000
_NAME = "kubectl get pods -A"


def comparisons() -> Iterator[Comparison]:
    """What this file measures.

    Raises:
        MissingError: The programs of the test environment have not been built, or there is no kubectl.
    """
    kubectl = os.environ.get("NBCONTAINER_TEST_KUBECTL") or shutil.which("kubectl")
    if not kubectl:
        raise MissingError("kubectl was not found")
    load = "%load_ext nbcontainer"
    with _filled() as cluster:
        variables = {"KUBECONFIG": str(cluster.kubeconfig())}
        for where, kind in (("IPython", Kernel), ("a notebook", NotebookKernel)):
            ours = f"%kpod -A in {where}"
            targets = [Target(ours, _NAME, ratio=0.4), MemoryRatio(ours, _NAME, 0.5)]
            with kind(variables) as kernel:
                kernel.run(load)
                yield Comparison(
                    f"pod table, {_PODS:,} pods, clients loaded, until it is drawn",
                    [
                        kernel.subject(ours, "%kpod -A"),
                        Program(_NAME, [kubectl, "get", "pods", "-A"], variables).subject(),
                    ],
                    targets,
                )
            yield Comparison(
                f"pod table, {_PODS:,} pods, first call in a fresh kernel, right after %load_ext, until it is drawn",
                [
                    fresh(ours, "%kpod -A", first=load, environment=variables, kind=kind),
                    Program(_NAME, [kubectl, "get", "pods", "-A"], variables).subject(),
                ],
                targets,
            )


@contextlib.contextmanager
def _filled() -> Iterator[OwnCluster]:
    """An API server of this comparison's own: nobody else's pods are counted, and nobody else is slowed down."""
    part = environment.Kubernetes()
    if not part.pki.certificate("ca").exists():
        raise MissingError("start the test environment's part kubernetes first")
    with tempfile.TemporaryDirectory(prefix="benchmark-pods-") as folder:
        cluster = OwnCluster(Path(folder), environment.commands(), part.pki)
        try:
            cluster.up()
            cluster.fill("simulated", _PODS)
            yield cluster
        finally:
            cluster.down()
