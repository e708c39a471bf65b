"""The declarations of the verbs that change parts of objects: `%kube patch|edit|label|annotate`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.kube_apply import DRY_RUN, RAW
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE, SELECTOR

KIND = positional("KIND", help="the kind (deploy), or KIND/NAME", completes="kind")
NAME = positional("NAME", help="the name, unless KIND has it", required=False, completes="object")


def _metadata(verb: str, what: str, example: str) -> Verb:
    return Verb(
        verb,
        f"Sets {what}s of objects, removes or lists them.",
        (
            KIND,
            positional(
                "NAME",
                help="names, unless KIND has it; then KEY=VALUE to set, KEY- to remove",
                required=False,
                many=True,
                completes="object",
            ),
            switch("--overwrite", help="replace a value that the object has already"),
            switch("--list", help=f"show the {what}s"),
            SELECTOR,
            switch("--all", help="all objects of the kind in the namespace"),
            NAMESPACE,
            DRY_RUN,
            CLUSTER,
        ),
        example=example,
        command=("kubectl", verb),
        calls=verb,
    )


VERBS = (
    Verb(
        "patch",
        "Changes some fields of an object. With %%kube patch, the cell is the patch.",
        (
            KIND,
            NAME,
            option("-p", "--patch", help="the patch, as YAML or JSON"),
            option("--patch-file", help="a file with the patch", completes="path"),
            option(
                "--type",
                help="the type of patch; custom resources take merge and json",
                choices=("strategic", "merge", "json"),
                default="strategic",
            ),
            option("--subresource", help="a part of the object, such as scale or status"),
            NAMESPACE,
            DRY_RUN,
            RAW,
            CLUSTER,
        ),
        example="%%kube patch deploy/web\nspec: {replicas: 3}",
        command=("kubectl", "patch"),
        body="optional",
        takes="text",
        calls="patch",
    ),
    Verb(
        "edit",
        "Writes an object's YAML into the next cell; run it to apply your changes.",
        (KIND, NAME, NAMESPACE, RAW, CLUSTER),
        example="%kube edit deploy/web",
        command=("kubectl", "edit"),
        body="optional",
        takes="text",
        calls="edit",
    ),
    _metadata("label", "label", "%kube label deploy/web env=prod tier-"),
    _metadata("annotate", "annotation", "%kube annotate deploy/web 'note=ask Ann first'"),
)
