"""A pod that is not ready for no reason that is known: it starts, or the kubelet has said nothing yet."""

from __future__ import annotations

from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.why.facts import PodFacts, of_condition, of_event
from nbcontainer.model.why import Finding

WELL = {"Succeeded"}


def explain(facts: PodFacts) -> Finding | None:
    """What is known of a pod that is neither ready nor done; None if it is."""
    ready = facts.condition("Ready")
    if facts.status.get("phase") in WELL or ready.get("status") == "True":
        return None
    evidence = ([of_condition(ready)] if ready else []) + [of_event(event) for event in facts.events[-1:]]
    word = pod_status(facts.pod)
    return Finding(
        word,
        f"Pod {facts.name} is not ready yet: {word}. Nothing says that anything is wrong.",
        f"Wait; {facts.describe} shows what has happened so far.",
        passing=True,
        evidence=tuple(evidence),
    )
