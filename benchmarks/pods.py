"""The pod table over a thousand simulated pods (KWOK)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from benchmarks.kernel import Kernel, fresh
from benchmarks.measuring import Comparison, MissingError, Program, Target
from benchmarks.notebook import NotebookKernel

if TYPE_CHECKING:
    from collections.abc import Iterator

_PODS = 1000
_KUBECONFIG = "NBCONTAINER_BENCHMARK_KUBECONFIG"


def comparisons() -> Iterator[Comparison]:
    """What this file measures.

    Raises:
        MissingError: No cluster with that many pods is configured.
    """
    kubeconfig = os.environ.get(_KUBECONFIG)
    if not kubeconfig:
        raise MissingError(f"set {_KUBECONFIG} to the kubeconfig of a cluster with {_PODS} simulated pods")
    kubectl = os.environ.get("NBCONTAINER_TEST_KUBECTL") or shutil.which("kubectl")
    if not kubectl:
        raise MissingError("kubectl was not found")
    variables = {"KUBECONFIG": kubeconfig}
    command = [kubectl, "get", "pods", "-A"]
    listed = subprocess.run([*command, "-o", "json"], capture_output=True, env={**os.environ, **variables}, check=False)
    count = len(json.loads(listed.stdout)["items"]) if listed.returncode == 0 else 0
    if count < _PODS:
        raise MissingError(f"the cluster has {count} pods, not {_PODS}")
    load, name = "%load_ext nbcontainer", "kubectl get pods -A"
    for where, kind in (("IPython", Kernel), ("a notebook", NotebookKernel)):
        ours = f"%kpod -A in {where}"
        with kind(variables) as kernel:
            kernel.run(load)
            yield Comparison(
                f"pod table, {count} pods, clients loaded, until it is drawn",
                [kernel.subject(ours, "%kpod -A"), Program(name, command, variables).subject()],
                [Target(ours, name, ratio=0.7)],
            )
        yield Comparison(
            f"pod table, {count} pods, first call in a fresh kernel, right after %load_ext, until it is drawn",
            [
                fresh(ours, "%kpod -A", first=load, environment=variables, kind=kind),
                Program(name, command, variables).subject(),
            ],
            [Target(ours, name, ratio=0.8)],
        )
