"""What the calls that create objects by a few words have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, TypedDict, TypeVar

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.nouns import ClusterNoun
from nbcontainer.call_arguments import also_takes
from nbcontainer.errors import UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.manifests import Manifests
from nbcontainer.protection import changes_unless

Words = ParamSpec("Words")
Answer = TypeVar("Answer")


class Preview(TypedDict, total=False):
    """How a call that creates an object can show it before.

    Attributes:
        dry_run: "client" or "server": only show what would be created; "" to create it.
        output: "yaml" for the manifest in place of the change.
    """

    dry_run: str
    output: str


def creates(call: Callable[Words, Answer]) -> Callable[Words, Answer]:
    """Mark a call that creates an object and takes the keywords of `Preview`."""
    return changes_unless("dry_run")(also_takes(dry_run="", output="")(call))


class Creator(ClusterNoun):
    """Creates objects in a cluster; the calls for each kind are in classes of their own."""

    kind = "create"

    def _create(
        self,
        made: Mapping[str, object],
        words: Sequence[str],
        command: Sequence[str] = (),
        *,
        dry_run: str = "",
        output: str = "",
    ) -> Change | Manifests:
        return create_object(self._cluster, made, words, dry_run=dry_run, output=output, command=command)


def create_object(
    handle: ClusterHandle,
    made: Mapping[str, object],
    words: Sequence[str],
    *,
    dry_run: str,
    output: str,
    command: Sequence[str] = (),
) -> Change | Manifests:
    """Create an object, or show what would be created; takes the arguments of `create_objects`, but one object."""
    done = create_objects(handle, (made,), words, dry_run=dry_run, output=output, command=command)
    return done[0] if isinstance(done, Changes) else done


def create_objects(
    handle: ClusterHandle,
    made: Sequence[Mapping[str, object]],
    words: Sequence[str],
    *,
    dry_run: str,
    output: str,
    command: Sequence[str] = (),
) -> Changes | Manifests:
    """Create objects, or show what would be created.

    Args:
        handle: the cluster.
        made: the objects' manifests.
        words: the equivalent kubectl command from the verb on.
        dry_run: "client" or "server": only show what would be created.
        output: "yaml" for the manifests, byte for byte as kubectl prints them.
        command: what follows "--" in the kubectl command.

    Raises:
        UsageError: there is no such output or dry run.
        Conflict: an object exists already.
        ApiError: the API server refuses it.
    """
    if output not in {"", "yaml"}:
        raise UsageError(f'`--output` is "yaml", not {output!r}.')
    flags = [*([f"--dry-run={dry_run}"] if dry_run else []), *([f"--output={output}"] if output else [])]
    words = [*words, *flags, *(["--", *command] if command else [])]
    cluster, labels = handle.connect_to_cluster(words[0]), {NOTEBOOK_LABEL: notebook_id()}
    done = Changes(clusters.creation.create(cluster, one, words, labels, dry_run) for one in made)
    if not output:
        return done
    text = clusters.creation.printed(done, handle.namespace)
    return Manifests(tuple(one.manifest for one in done), text, "yaml", done.command)
