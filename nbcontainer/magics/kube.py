"""`%%kube`: a YAML cell, applied by the server."""

from __future__ import annotations

from typing import Any

from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.magics.kpod import CONTEXT, NAMESPACE
from nbcontainer.verbs.arguments import option, switch
from nbcontainer.verbs.grammar import Verb

__all__ = ["VERBS"]

VERBS = Verbs("kube", "Objects of the cluster in use, written as YAML.", shared=(NAMESPACE, CONTEXT))


@VERBS.add(
    Verb(
        "apply",
        "Applies the cell's YAML on the server (server-side apply): each object is created or changed.",
        (
            NAMESPACE,
            option("--dry-run", help="only say what would be done", choices=("server",)),
            switch("--force-conflicts", help="take over fields that others manage"),
            switch("--raw", help="leave {{name}} as it is", own=True),
            CONTEXT,
        ),
        example="%%kube apply\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
        "spec: {containers: [{name: web, image: busybox, args: [sleep, '3600']}]}",
        command=("kubectl", "apply", "--server-side", "-f", "-"),
        body="yes",
    )
)
def apply(call: Call) -> Any:
    """Put Python values in, apply, return what was done to each object."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.dockerfile.substitution import substitute  # noqa: PLC0415 - as above
    from nbcontainer.model.build import SourceMap  # noqa: PLC0415 - as above

    values = call.values
    text = call.cell or ""
    lines = SourceMap.shifted(text.count("\n") + 1, 1)
    if not values.raw:
        text, lines = substitute(text, call.namespace, first_line=2)
    return api.apply(
        text,
        namespace=values.namespace or "",
        context=values.context or "",
        dry_run=bool(values.dry_run),
        force_conflicts=values.force_conflicts,
        source_map=lines,
    )
