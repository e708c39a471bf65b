"""A pod, or any other object, that was deleted and does not go."""

from __future__ import annotations

from nbcontainer.clusters.columns import epoch
from nbcontainer.clusters.why.facts import PodFacts
from nbcontainer.json_objects import object_of, text_of, words_of
from nbcontainer.model.why import Evidence, Finding


def explain(facts: PodFacts) -> Finding | None:
    """What keeps a pod that was deleted."""
    metadata = object_of(facts.pod, "metadata")
    deleted = text_of(metadata, "deletionTimestamp")
    if not deleted:
        return None
    finalizers = words_of(metadata, "finalizers")
    evidence = [Evidence("metadata.deletionTimestamp", deleted)]
    if finalizers and not any("running" in object_of(one.status, "state") for one in facts.containers()):
        evidence.append(Evidence("metadata.finalizers", ", ".join(finalizers)))
        return Finding(
            "Terminating",
            f"Pod {facts.name} was deleted, and stays until {', '.join(finalizers)} is done with it.",
            "Whoever set this finalizer must remove it. If nobody does any more, remove it yourself: "
            + facts.kube("patch", "pod", facts.name, "--type=merge", "-p", NO_FINALIZERS),
            evidence=tuple(evidence),
        )
    late = facts.now - (epoch(deleted) or facts.now)
    if late <= 0:
        return Finding(
            "Terminating",
            f"Pod {facts.name} was deleted, and has until {deleted} to end.",
            f"Wait; {facts.magic('delete', facts.name, '--now')} gives it one second.",
            passing=True,
            evidence=tuple(evidence),
        )
    node = text_of(facts.pod, "spec", "nodeName")
    return Finding(
        "Terminating",
        f"Pod {facts.name} was deleted, and its node {node} has not ended it {late:.0f} s after its time.",
        f"Is the node there? {facts.kube_wide('get', 'node', node)} shows it.",
        evidence=tuple(evidence),
    )


NO_FINALIZERS = '{"metadata":{"finalizers":null}}'
