"""A pod that no node accepts: too little room, a selector, a taint, a port in use, a claim without a volume."""

from __future__ import annotations

import re

from nbcontainer.clusters.why.facts import PodFacts, of_condition, of_event
from nbcontainer.json_objects import object_of, text_of
from nbcontainer.model.why import Evidence, Finding

_ROOM = re.compile(r"Insufficient ([\w./-]+)|Too many pods")
_PORTS = re.compile("free ports")
_AFFINITY = re.compile("affinity rules")
_CORDONED = re.compile("unschedulable")
_TAINT = re.compile("taint")
_SELECTOR = "node(s) didn't match Pod's node affinity/selector"
_CLAIM = re.compile(
    r'persistentvolumeclaim "([^"]+)" (not found|is being deleted)|unbound immediate PersistentVolumeClaims'
)


def explain(facts: PodFacts) -> Finding | None:
    """Why the scheduler finds no node."""
    condition = facts.condition("PodScheduled")
    if condition.get("status") != "False":
        return None
    reason = text_of(condition, "reason") or "Unschedulable"
    if reason == "SchedulingGated":
        return None
    said = text_of(condition, "message").strip().rstrip(".")
    cure, more = _cure(facts, said)
    return Finding(
        reason,
        f"Pod {facts.name} cannot run: no node accepts it: {said or reason}.",
        f"{cure} The pod keeps waiting for a node.",
        passing=True,
        evidence=(of_condition(condition), *more),
    )


def _cure(facts: PodFacts, said: str) -> tuple[str, tuple[Evidence, ...]]:
    if found := _CLAIM.search(said):
        return _of_claim(facts, found[1] or "")
    if _SELECTOR in said and not _ROOM.search(said):
        selector = object_of(facts.pod, "spec", "nodeSelector")
        wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
        labels = facts.kube_wide("get", "nodes", "--show-labels")
        evidence = (Evidence("spec.nodeSelector", wanted),) if wanted else ()
        return f"No node has the labels that it wants: {labels} shows those that they have.", evidence
    nodes = f"`{facts.commands.kubectl('get', 'nodes', namespace='')}` shows them."
    uncordon = facts.kube_wide("uncordon", "NODE")
    cures = (  # a message counts what keeps each node; what can be changed most easily comes first
        (_ROOM, f"Ask for less, or make room; {nodes}"),
        (_PORTS, "Another pod of the node has this host port: use another one, or a Service instead of a host port."),
        (_AFFINITY, "Its affinity asks for nodes or pods that are not there: loosen it, or start those first."),
        (_CORDONED, f"The nodes are cordoned: {uncordon} lets one take pods again."),
        (_TAINT, "Give the pod a toleration for the taint, or take the taint from a node."),
    )
    return next((cure for sign, cure in cures if sign.search(said)), f"Ask for less, or make room; {nodes}"), ()


def _of_claim(facts: PodFacts, name: str) -> tuple[str, tuple[Evidence, ...]]:
    """What keeps a claim from its volume."""
    for claim, found in facts.claims.items():
        if found is None and name in ("", claim):
            create = "Create the claim, or correct its name:"
            return f"{create} {facts.kube('get', 'pvc')} lists those that exist.", (
                Evidence(f"persistentvolumeclaim/{claim}", "it does not exist"),
            )
        if found is not None and text_of(found, "status", "phase") != "Bound":
            events = facts.claim_events.get(claim, ())
            phase = Evidence(f"persistentvolumeclaim/{claim} status.phase", text_of(found, "status", "phase"))
            shown = facts.kube("describe", "pvc", claim)
            return f"The claim {claim} has no volume yet: {shown} shows why.", (phase, *map(of_event, events[-1:]))
    listed = facts.kube("get", "pvc")
    return f"A claim has no volume: {listed} shows the claims.", ()
