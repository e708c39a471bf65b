"""A pod whose init container has not finished, so that its containers do not start."""

from __future__ import annotations

from nbcontainer.clusters.why.facts import PodFacts
from nbcontainer.json_objects import entries_of, object_of, text_of
from nbcontainer.model.why import Finding


def explain(facts: PodFacts) -> Finding | None:
    """The init container that runs now, or failed and is started again."""
    listed = entries_of(facts.pod, "spec", "initContainers")
    sidecars = {text_of(one, "name") for one in listed if one.get("restartPolicy") == "Always"}  # they run on
    for container in facts.containers():
        if not container.is_init:
            continue
        running, code = object_of(container.status, "state", "running"), container.ended.get("exitCode")
        if (running and container.name not in sidecars) or code:
            how = f"runs since {text_of(running, 'startedAt')}" if running else f"ended with exit code {code}"
            what = f"its init container {container.name} {how}, and must succeed first"
            return Finding(
                "PodInitializing",
                f"Pod {facts.name} does not run yet: {what}.",
                f"{facts.magic('logs', facts.name, '-c', container.name)} shows what it does.",
                container.name,
                passing=True,
                evidence=(container.evidence("state", "running" if running else "terminated"),),
            )
    return None
