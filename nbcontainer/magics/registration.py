"""What `%load_ext nbcontainer` does: magics, completion, and how results are drawn. Nothing heavy loads here."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.magic import needs_local_scope, no_var_expand

from nbcontainer.magics import docker, dockerfile, kpod, kube, nbcontainer
from nbcontainer.magics.calls import Verbs, run_magic

__all__ = ["MAGICS", "register", "unregister"]

MAGICS: dict[str, Verbs] = {
    "dockerfile": dockerfile.VERBS,
    "docker": docker.VERBS,
    "kpod": kpod.VERBS,
    "kube": kube.VERBS,
    "nbcontainer": nbcontainer.VERBS,
}
_BODYLESS = re.compile(rf"%%({'|'.join(MAGICS)})\b(.*)", re.DOTALL)


def register(shell: Any) -> None:
    """Give `shell` the magics."""
    for name, verbs in MAGICS.items():
        shell.register_magic_function(_magic(shell, name, verbs), "line_cell", name)
    if _without_body not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(_without_body)
    from nbcontainer.magics import results  # noqa: PLC0415 - needs the magics to be there

    results.register(shell)
    from nbcontainer.magics import completion  # noqa: PLC0415 - as above

    completion.register(shell)


def unregister(shell: Any) -> None:
    """Take them away."""
    for kind in ("line", "cell"):
        for name in MAGICS:
            shell.magics_manager.magics[kind].pop(name, None)
    if _without_body in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(_without_body)
    from nbcontainer.magics import completion  # noqa: PLC0415 - only when it is taken away

    completion.unregister(shell)


def _magic(shell: Any, name: str, verbs: Verbs) -> Callable[..., Any]:
    @needs_local_scope  # type: ignore[untyped-decorator,unused-ignore]
    @no_var_expand  # type: ignore[untyped-decorator,unused-ignore]
    def magic(line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        namespace: Mapping[str, Any] = shell.user_ns
        if local_ns is not None and local_ns is not shell.user_ns:
            namespace = ChainMap(dict(local_ns), shell.user_ns)
        return run_magic(verbs, line, cell, namespace, shell)

    magic.__name__ = name
    magic.__doc__ = verbs.magic.help()
    return magic  # type: ignore[no-any-return,unused-ignore]


def _without_body(lines: list[str]) -> list[str]:
    """Let `%%dockerfile --help` work alone: IPython refuses cell magics without a body."""
    match = _BODYLESS.match("".join(lines).strip()) if lines and lines[0].startswith("%%") else None
    if match is None or "\n" in match[2]:
        return lines
    return [f"%{match[1]}{match[2]}\n"]


_without_body.has_side_effects = False  # type: ignore[attr-defined] # IPython's protocol for transformers
