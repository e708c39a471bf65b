"""The verbs of a cluster's handle that change parts of one object: patch, edit, label, annotate."""

from __future__ import annotations

import builtins
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.call_arguments import same_arguments
from nbcontainer.errors import UsageError
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.results import NextCell, Remark, Report
from nbcontainer.model.source_map import SourceMap
from nbcontainer.model.tables import Tone
from nbcontainer.protection import changes, changes_unless
from nbcontainer.user_files import read_text

if TYPE_CHECKING:
    from nbcontainer.clusters.patching import Field


class PatchVerbs(ClusterHandle):
    """What changes parts of objects of any kind."""

    @changes_unless("dry_run")
    def patch(
        self,
        kind: str,
        name: str = "",
        *,
        patch: object = "",
        patch_file: str = "",
        text: str = "",
        type: str = "strategic",  # noqa: A002 - kubectl's own flag
        subresource: str = "",
        dry_run: bool = False,
        source_map: SourceMap = SourceMap(),  # noqa: ARG002, B008 - as each verb that takes a cell has it; it is frozen
    ) -> Change:
        """Change some fields of an object: `nbc.cluster().patch("deploy/web", patch={"spec": {"replicas": 3}})`.

        Args:
            kind: the object's kind, or "deploy/web".
            name: the object's name, unless `kind` has it.
            patch: the patch: a text in YAML or JSON, or a dictionary or list.
            patch_file: a file with the patch.
            text: the patch as the cell's body.
            type: "strategic" merges lists of known kinds by their keys; "merge" replaces lists, and works for custom
                resources; "json" is a list of operations.
            subresource: patch this part of the object, such as "scale" or "status".
            dry_run: only show what would be done.
            source_map: maps the text's lines to the lines of the user's own text.

        Raises:
            UsageError: it is not a patch of this type, or not one is given.
            NotFound: there is no such object.
            ApiError: the API server refuses.
        """
        given = [each for each in (patch, patch_file, text) if each]
        if len(given) != 1:
            raise UsageError(
                "What is the patch?" if not given else "Give one patch, not several.",
                cure="`--patch` has it, or `--patch-file` names a file, or it is the cell's text.",
            )
        written = read_text(Path(patch_file).expanduser()) if patch_file else given[0]
        words = written if isinstance(written, str) else json.dumps(written)
        cluster = self.connect_to_cluster("patching objects")
        return clusters.patching.patch(
            cluster, _words(kind, name), words, kind=type, subresource=subresource, dry_run=dry_run
        )

    @changes
    def edit(
        self,
        kind: str,
        name: str = "",
        *,
        text: str = "",
        source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
    ) -> NextCell | Change:
        """The object as a cell that can be changed and run; or, with the changed text, what that does.

        The text has the object's resourceVersion: if others have changed more than its status in the meantime, it is
        refused. The values of a Secret are hidden, and stay as they are where the text still has them so.

        Args:
            kind: the object's kind, or "deploy/web".
            name: the object's name, unless `kind` has it.
            text: the edited object, as YAML.
            source_map: maps the text's lines to the lines of the user's own text, for errors.

        Raises:
            UsageError: the text is not YAML, or another object.
            Conflict: the object was changed by others since the cell was made.
            NotFound: there is no such object.
            ApiError: the API server refuses.
        """
        cluster = self.connect_to_cluster("editing objects")
        if text.strip():
            return clusters.editing.edit(cluster, _words(kind, name), text, source_map)
        return clusters.editing.draft(cluster, _words(kind, name))

    @changes_unless("dry_run")
    def label(
        self,
        kind: str,
        *names: str,
        overwrite: bool = False,
        list: bool = False,  # noqa: A002 - kubectl's own flag
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        dry_run: bool = False,
    ) -> Changes | Report:
        """Set and remove labels: `nbc.cluster().label("deploy/web", "env=prod", "tier-")`.

        Args:
            kind: the objects' kind, or "deploy/web".
            *names: the objects' names, unless `kind` has it; then KEY=VALUE to set a label, and KEY- to remove it.
            overwrite: replace the value that an object has already.
            list: show the labels.
            selector: of the objects with these labels, instead of names.
            all: of all objects of the kind in the namespace, instead of names.
            dry_run: only show what would be done.

        Raises:
            UsageError: there is neither a label nor `list`, or not exactly one of names, `selector` and `all`.
            Conflict: an object has another value already. Nothing is changed then.
            NotFound: there is no such object.
            ApiError: the API server refuses.
        """
        options = {"overwrite": overwrite, "list": list, "selector": selector, "all": all, "dry_run": dry_run}
        return self._metadata(clusters.patching.LABELS, (kind, *names), options)

    @changes_unless("dry_run")
    @same_arguments(label)
    def annotate(self, kind: str, names: Sequence[str], **options: Any) -> Changes | Report:
        """Set and remove annotations: `nbc.cluster().annotate("deploy/web", "note=for Ann")`; otherwise as `label`."""
        return self._metadata(clusters.patching.ANNOTATIONS, (kind, *names), options)

    def _metadata(self, field: Field, words: Sequence[str], options: dict[str, Any]) -> Changes | Report:
        named, wanted = clusters.patching.pairs_of(words)
        if bool(wanted) == options["list"]:
            what = field.name
            raise UsageError(
                f"Which {what} should be set?" if not wanted else f"`--list` shows {what} and sets none.",
                cure=f"KEY=VALUE sets one, KEY- removes it; `--list` alone shows the {what}.",
            )
        if not named:
            raise UsageError("Of which objects?", cure="Such as deploy/web, or deploy with `--all`.")
        cluster = self.connect_to_cluster(f"{field.name} of objects")
        found = clusters.patching.targets(cluster, named, selector=options["selector"], all=options["all"])
        if options["list"]:
            return _report(clusters.patching.read_metadata(field, found), field)
        return Changes(
            clusters.patching.change_metadata(
                field, found, wanted, overwrite=options["overwrite"], dry_run=options["dry_run"]
            )
        )


def _report(found: builtins.list[tuple[clusters.patching.Target, dict[str, str]]], field: Field) -> Report:
    remarks = []
    for one, values in found:
        if len(found) > 1:
            remarks.append(Remark(f"{one.word}:" if values else f"{one.word} has no {field.name}.", Tone.PLAIN))
        remarks += [Remark(f"{key}={value}", Tone.PLAIN) for key, value in values.items()]
        if not values and len(found) == 1:
            remarks.append(Remark(f"{one.word} has no {field.name}.", Tone.DIM))
    return Report(tuple(remarks), found[0][0].command(field.verb, "--list"))


def _words(kind: str, name: str) -> tuple[str, ...]:
    return (kind, name) if name else (kind,)
