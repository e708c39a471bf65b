"""Kinds of objects as kubectl spells them on a line: `pods`, `po`, `pod/web`."""

from __future__ import annotations

# kubectl api-resources: the plural, and its other spellings
SPELLINGS = {
    "pods": ("pod", "po"),
    "all": (),
    "configmaps": ("configmap", "cm"),
    "cronjobs": ("cronjob", "cj"),
    "daemonsets": ("daemonset", "ds"),
    "deployments": ("deployment", "deploy"),
    "endpoints": ("ep",),
    "events": ("event", "ev"),
    "ingresses": ("ingress", "ing"),
    "jobs": ("job",),
    "namespaces": ("namespace", "ns"),
    "nodes": ("node", "no"),
    "persistentvolumeclaims": ("persistentvolumeclaim", "pvc"),
    "persistentvolumes": ("persistentvolume", "pv"),
    "replicasets": ("replicaset", "rs"),
    "secrets": ("secret",),
    "serviceaccounts": ("serviceaccount", "sa"),
    "services": ("service", "svc"),
    "statefulsets": ("statefulset", "sts"),
}
_PLURALS = {spelling: plural for plural, others in SPELLINGS.items() for spelling in (plural, *others)}


def kind_of(word: str) -> str:
    """The plural of the kind that a word names, or ""; kubectl ignores its case."""
    return _PLURALS.get(word.lower(), "")
