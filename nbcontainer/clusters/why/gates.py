"""A pod that waits for a gate: to be scheduled, or to count as ready."""

from __future__ import annotations

from nbcontainer.clusters.why.facts import PodFacts, of_condition
from nbcontainer.json_objects import entries_of, text_of
from nbcontainer.model.why import Evidence, Finding


def explain(facts: PodFacts) -> Finding | None:
    """The gates that are closed."""
    gates = [text_of(one, "name") for one in entries_of(facts.pod, "spec", "schedulingGates")]
    if gates:
        return Finding(
            "SchedulingGated",
            f"Pod {facts.name} waits to be scheduled until {', '.join(gates)} is removed from its scheduling gates.",
            "Whoever set the gate removes it when the pod may run.",
            passing=True,
            evidence=(Evidence("spec.schedulingGates", ", ".join(gates)),),
        )
    wanted = [text_of(one, "conditionType") for one in entries_of(facts.pod, "spec", "readinessGates")]
    closed = [name for name in wanted if facts.condition(name).get("status") != "True"]
    ready = facts.condition("ContainersReady").get("status") == "True"
    if not closed or not ready:
        return None
    return Finding(
        "ReadinessGatesNotReady",
        f"Pod {facts.name} is not ready: its containers are, but its readiness gate {', '.join(closed)} is not.",
        "Whoever defines the gate sets the condition in the pod's status.",
        passing=True,
        evidence=(of_condition(facts.condition("Ready")),),
    )
