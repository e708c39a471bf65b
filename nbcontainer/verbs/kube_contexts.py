"""The declarations of `%kube context` and `%kube namespace`: what the notebook uses."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs.arguments import positional
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE

VERBS = (
    Verb(
        "context",
        "Lists the kubeconfig's contexts, or chooses one for this notebook; the kubeconfig is not changed.",
        (
            positional("NAME", help="the context to use from now on", required=False, completes="context"),
            replace(NAMESPACE, help="the namespace to use with it", control=False),
            CLUSTER,
        ),
        example="%kube context\n%kube context prod",
        command=("kubectl", "config", "get-contexts"),
        calls="contexts.use",
        aliases=("ctx",),
    ),
    Verb(
        "namespace",
        "Lists the namespaces, or chooses one for this notebook; the kubeconfig is not changed.",
        (
            positional("NAME", help="the namespace to use from now on", required=False, completes="namespace"),
            NAMESPACE,
            CLUSTER,
        ),
        example="%kube namespace\n%kube namespace shop",
        command=("kubectl", "get", "namespaces"),
        calls="namespaces.use",
        aliases=("ns",),
    ),
)
