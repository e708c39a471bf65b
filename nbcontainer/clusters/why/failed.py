"""A pod that has failed as a whole: evicted, out of time, refused by its node."""

from __future__ import annotations

from nbcontainer.clusters.why.facts import PodFacts
from nbcontainer.json_objects import text_of
from nbcontainer.model.why import Evidence, Finding


def explain(facts: PodFacts) -> Finding | None:
    """The pod's own reason, if it has failed."""
    status = facts.status
    if status.get("phase") != "Failed":
        return None
    reason, said = text_of(status, "reason") or "Failed", text_of(status, "message").strip()
    return Finding(
        reason,
        f"Pod {facts.name} failed: {reason}{': ' + said if said else ''}.",
        f"{facts.describe} shows more.",
        evidence=(Evidence("status", ": ".join(filter(None, (reason, said)))),),
    )
