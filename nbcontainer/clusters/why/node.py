"""A pod on a node that is not ready, or no longer answers."""

from __future__ import annotations

from nbcontainer.clusters.why.facts import PodFacts, of_condition
from nbcontainer.json_objects import entries_of, text_of
from nbcontainer.model.why import Finding


def explain(facts: PodFacts) -> Finding | None:
    """The node's own condition, if it is not ready."""
    for condition in entries_of(facts.node, "status", "conditions"):
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            node = text_of(facts.node, "metadata", "name")
            return Finding(
                "NodeNotReady",
                f"Pod {facts.name} is on the node {node}, which is not ready: what is said about the pod may be old.",
                f"{facts.kube_wide('describe', 'node', node)} shows the node.",
                passing=True,
                evidence=(of_condition(condition),),
            )
    return None
