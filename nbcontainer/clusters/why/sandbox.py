"""A pod for which the node cannot make a sandbox: its network, or the runtime itself."""

from __future__ import annotations

from nbcontainer.clusters.why.facts import PodFacts, of_event
from nbcontainer.json_objects import text_of
from nbcontainer.model.why import Finding

_LAST = 160  # characters of the cause


def explain(facts: PodFacts) -> Finding | None:
    """The last attempt that failed, while no container has been created."""
    event = facts.last_event("FailedCreatePodSandBox")
    if event is None or any(one.status.get("containerID") for one in facts.containers()):
        return None
    cause = text_of(event, "message").strip().rstrip(".")
    node = text_of(facts.pod, "spec", "nodeName")
    return Finding(
        "FailedCreatePodSandBox",
        f"Pod {facts.name} cannot run: the node {node} cannot set up its network or sandbox: …{cause[-_LAST:]}.",
        f"It is a fault of the node: {facts.kube_wide('describe', 'node', node)} shows its conditions.",
        passing=True,
        evidence=(of_event(event),),
    )
