"""`%kube`: objects of any kind."""

from __future__ import annotations

from nbcontainer.errors import UsageError
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.magics.kpod import cluster_of
from nbcontainer.magics.prompts import ask, password_of
from nbcontainer.verbs import declared, kube_create
from nbcontainer.verbs.shared import ACTING, CLUSTER, NAMESPACE

VERBS = Verbs("kube", "Objects of any kind in the cluster in use.", shared=(NAMESPACE, CLUSTER, *ACTING))
VERBS.declare(declared("kube"), cluster_of)


@VERBS.add(kube_create.SECRET)
def create_secret(call: Call) -> object:
    """Ask for the values whose keys alone are given; refuse values that are typed."""
    values, literals = call.values, {}
    for word in values.literals:
        key, equals, value = word.partition("=")
        if equals and not any(new.endswith(word) for new in call.written):
            raise UsageError(
                f"The value of {key} would be kept in the cell and its history.",
                cure=f"Write `--from-literal={key}`: you are asked for it; or `--from-literal={key}={{{{name}}}}`.",
            )
        cure = f"`--from-literal={key}={{{{name}}}}` takes a Python variable, --from-file a file."
        literals[key] = value if equals else ask(f"Value of {key}: ", cure, hidden=True)
    places, named = call.verb.bind(values)
    return cluster_of(call).create.secret(*places, **{**named, "literals": literals})


@VERBS.add(kube_create.REGISTRY_SECRET)
def create_registry_secret(call: Call) -> object:
    """Ask for the password."""
    values = call.values
    where = f"Password of {values.username} at {values.server or 'Docker Hub'}: "
    places, named = call.verb.bind(values)
    named = {key: value for key, value in named.items() if value != ""}
    return cluster_of(call).create.registry_secret(*places, password=password_of(call, where), **named)
