"""The manifests of quotas, Ingresses, disruption budgets and priorities that `kubectl create` makes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nbcontainer.errors import UsageError
from nbcontainer.model.created import Object

# host, path, Service, port, and whether and by which Secret it is encrypted; as kubectl reads a rule
_RULE = re.compile(r"([\w*.-]*)(/[^=]*)?=([\w-]+):([\w-]+)(,tls(?:=([\w.-]*))?)?")
_BACKEND = re.compile(r"([\w-]+):([\w-]+)")
_TERM = re.compile(
    r"\s*(?:(!)\s*)?([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)|\s(in|notin)\s*\(([^)]*)\))?\s*(?:,|$)", re.ASCII
)
_AMOUNT = re.compile(r"\d+%?")


def ingress(
    name: str, rules: Sequence[str], default: str, ingress_class: str, annotations: Mapping[str, str]
) -> Object:
    """An Ingress.

    Raises:
        UsageError: a rule or the default is not valid, or there is neither.
    """
    if not rules and not default:
        raise UsageError(
            "An Ingress needs `--rule` or `--default-backend`.", cure="Such as `--rule='a.example.com/*=web:80'`."
        )
    by_host: dict[str, list[Object]] = {}
    encrypted: list[Object] = []
    for rule in rules:
        found = _RULE.fullmatch(rule)
        if found is None:
            raise UsageError(
                f"`--rule` is HOST/PATH=SERVICE:PORT[,tls[=SECRET]], not {rule!r}.",
                cure="Such as `--rule='a.example.com/*=web:80'`.",
            )
        host, path, service, port, tls, secret = found.groups(default="")
        kind = "Prefix" if path.endswith("*") else "Exact"
        one = {"path": path.removesuffix("*"), "pathType": kind, "backend": _backend(service, port)}
        by_host.setdefault(host, []).append(one)
        if tls and host:  # a certificate is for a host
            encrypted.append({"hosts": [host], **({"secretName": secret} if secret else {})})
    spec: Object = {"ingressClassName": ingress_class} if ingress_class else {}
    if default:
        found = _BACKEND.fullmatch(default)
        if found is None:
            raise UsageError(f"`--default-backend` is SERVICE:PORT, not {default!r}.")
        spec["defaultBackend"] = _backend(*found.groups())
    if by_host:
        spec["rules"] = [
            {**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in by_host.items()
        ]
    spec |= {"tls": encrypted} if encrypted else {}
    metadata: Object = {"name": name, **({"annotations": dict(annotations)} if annotations else {})}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def _backend(service: str, port: str) -> Object:
    number = {"number": int(port)} if port.isdecimal() else {"name": port}
    return {"service": {"name": service, "port": number}}


def disruption_budget(name: str, selector: str, *, min_available: str, max_unavailable: str) -> Object:
    """A PodDisruptionBudget.

    Raises:
        UsageError: not exactly one number is given, or it or the selector is not valid.
    """
    if bool(min_available) == bool(max_unavailable):
        raise UsageError("Give either `--min-available` or `--max-unavailable`.")
    key, amount = ("minAvailable", min_available) if min_available else ("maxUnavailable", max_unavailable)
    if not _AMOUNT.fullmatch(amount):
        raise UsageError(f"How many pods is a number or a percentage such as 50%, not {amount!r}.")
    number = int(amount) if amount.isdecimal() else amount
    spec = {key: number, "selector": label_selector(selector)}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec}


def label_selector(text: str) -> Object:
    """A label selector's text as an object: "app=web,tier in (a,b)".

    Raises:
        UsageError: it is empty or not valid.
    """
    labels: dict[str, str] = {}
    expressions: list[Object] = []
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None or found.end() == at:
            raise UsageError(f"{text!r} is not a label selector.", cure="Such as app=web,tier in (front,back).")
        absent, key, sign, value, word, values = found.groups()
        if sign in {"=", "=="}:
            labels[key] = value
        elif sign == "!=":
            expressions.append({"key": key, "operator": "NotIn", "values": [value]})
        elif word:
            chosen = sorted(one.strip() for one in values.split(","))
            expressions.append({"key": key, "operator": "In" if word == "in" else "NotIn", "values": chosen})
        else:
            expressions.append({"key": key, "operator": "DoesNotExist" if absent else "Exists"})
        at = found.end()
    if not labels and not expressions:
        raise UsageError("Which pods?", cure="Give a label selector, such as app=web.")
    return {
        **({"matchLabels": labels} if labels else {}),
        **({"matchExpressions": expressions} if expressions else {}),
    }


def priority_class(name: str, value: int, description: str, *, global_default: bool, preemption_policy: str) -> Object:
    """A PriorityClass.

    Raises:
        UsageError: there is no such policy.
    """
    if preemption_policy not in (known := ("PreemptLowerPriority", "Never")):
        raise UsageError(f"`--preemption-policy` is {' or '.join(known)}, not {preemption_policy!r}.")
    made: Object = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    made |= {"value": value, "preemptionPolicy": preemption_policy}
    made |= {"description": description} if description else {}
    return made | ({"globalDefault": True} if global_default else {})
