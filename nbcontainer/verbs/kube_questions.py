"""The declarations of `%kube` that ask the cluster about itself."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ACTIONS, ALL_NAMESPACES, CLUSTER, NAMESPACE

VERBS = (
    Verb(
        "explain",
        "Explains a kind, or a field of it, with the fields below it.",
        (
            positional("KIND", help="a kind, or KIND.FIELD.FIELD", completes="kind", to="path"),
            switch("--recursive", help="all fields below it, without their descriptions"),
            option("--api-version", help="another version of the kind, such as autoscaling/v1"),
            NAMESPACE,
            CLUSTER,
        ),
        example="%kube explain deploy.spec.strategy",
        command=("kubectl", "explain"),
        calls="explain",
    ),
    Verb(
        "api-resources",
        "Lists the kinds that the cluster serves, with their short names.",
        (
            option("--api-group", help="only the kinds of this group"),
            option("--namespaced", help="only kinds whose objects are in namespaces, or only others", kind="boolean"),
            option("--verbs", help="only kinds that can be called with these verbs", kind="list"),
            option("--categories", help="only kinds of these categories, such as all", kind="list"),
            NAMESPACE,
            CLUSTER,
        ),
        example="%kube api-resources --api-group=apps",
        command=("kubectl", "api-resources"),
        calls="api_resources",
    ),
    Verb(
        "auth can-i",
        "Says whether you may do something; with --list, all that you may do.",
        (
            positional("VERB", help="get, list, delete …", required=False, suggests=ACTIONS),
            positional("KIND", help="a kind, KIND/NAME, or the path of a URL", required=False, completes="kind"),
            switch("--list", help="all that you may do in the namespace"),
            option("--subresource", help="a part of the kind, such as log"),
            ALL_NAMESPACES,
            NAMESPACE,
            CLUSTER,
        ),
        example="%kube auth can-i delete pods\n%kube auth can-i --list",
        command=("kubectl", "auth", "can-i"),
        calls="auth.can_i",
    ),
    Verb(
        "auth whoami",
        "Shows the user that the cluster takes you for, with its groups.",
        (NAMESPACE, CLUSTER),
        example="%kube auth whoami",
        command=("kubectl", "auth", "whoami"),
        calls="auth.who_am_i",
    ),
)
