"""A container that runs, but whose probe fails: it gets no traffic, or is killed again and again."""

from __future__ import annotations

import re

from nbcontainer.clusters.why.facts import Container, PodFacts, of_condition, of_event
from nbcontainer.json_objects import JsonObject, object_of, text_of
from nbcontainer.model.why import Evidence, Finding

_KIND = re.compile(r"(Liveness|Readiness|Startup) probe")


def explain(facts: PodFacts) -> Finding | None:
    """The first container that runs and is not ready, or is killed by its liveness probe."""
    for container in facts.containers():
        if container.key != "containerStatuses" or not object_of(container.status, "state", "running"):
            continue
        if not container.status.get("ready") or (container.restarts and facts.last_event("Killing", says="liveness")):
            return _finding(facts, container)
    return None


def _finding(facts: PodFacts, container: Container) -> Finding:
    event = facts.last_event("Unhealthy")
    found = _KIND.search(text_of(event, "message")) if event is not None else None
    kind = found[1].lower() if found else "startup" if _has(facts, container, "startupProbe") else "readiness"
    killed = facts.last_event("Killing", says=f"failed {kind} probe")
    said = text_of(event, "message").partition("probe failed: ")[2].strip().rstrip(".") if event is not None else ""
    runs = "runs, but is not ready" if killed is None else f"was killed {container.restarts} times"
    because = f": its {kind} probe fails" + (f": {said}" if said else "")
    if event is None and not _has(facts, container, f"{kind}Probe"):
        because = ""
    spec = facts.spec_of(container)
    probe = object_of(spec, f"{kind}Probe")
    evidence = [of_event(one) for one in (event, killed) if one is not None]
    evidence += [Evidence(f"spec.containers[{container.name}].{kind}Probe", _probe_words(probe))] if probe else []
    evidence += [] if event is not None else [of_condition(facts.condition("Ready"))]
    return Finding(
        "Unhealthy",
        f"Pod {facts.name} is not ready: container {container.name} {runs}{because}.",
        f"Correct the probe or what it asks: {facts.magic('logs', facts.name)} shows what the container says.",
        container.name,
        passing=True,
        evidence=tuple(evidence),
    )


def _has(facts: PodFacts, container: Container, probe: str) -> bool:
    return bool(facts.spec_of(container).get(probe))


def _probe_words(probe: JsonObject) -> str:
    return ", ".join(f"{key}: {value}" for key, value in probe.items())
