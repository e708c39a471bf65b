"""A container that ends: its exit code, the memory that it may use, and the last lines that it wrote."""

from __future__ import annotations

from nbcontainer.clusters.why import start
from nbcontainer.clusters.why.facts import Container, PodFacts, log_cure, of_event, of_log
from nbcontainer.json_objects import number_of, text_of
from nbcontainer.model.why import Evidence, Finding

_ENDINGS = {
    None: "ends",
    0: "ends with exit code 0: its command finishes, and the pod's restart policy starts it again",
    126: "ends with exit code 126: its command cannot be executed",
    127: "ends with exit code 127: its command was not found",
    137: "was killed (exit code 137)",
}


def explain(facts: PodFacts) -> Finding | None:
    """The first container that does not stay up, or has failed for good."""
    for container in facts.containers():
        found = _crash(facts, container) or _failure(facts, container)
        if found is not None:
            return found
    return None


def _crash(facts: PodFacts, container: Container) -> Finding | None:
    ended, last = container.ended, container.last
    reason = text_of(container.waiting, "reason")
    if reason != "CrashLoopBackOff" and not (ended and last and ended.get("exitCode")):
        return None
    if not container.is_init and facts.last_event("FailedPostStartHook") is not None:
        return start.hook(facts, container)
    how = ended or last
    code = number_of(how, "exitCode") if "exitCode" in how else None
    probe = facts.last_event("Killing", says="failed liveness probe") or facts.last_event(
        "Killing", says="failed startup probe"
    )
    what = ending(code, how.get("reason"))
    evidence = [container.evidence("state", "terminated") if ended else container.evidence("lastState", "terminated")]
    cure = log_cure(facts, container.name, *(["--previous"] if container.restarts else []))
    if probe is not None and container.name in text_of(probe, "message"):
        what = (
            f"is killed because its {'startup' if 'startup' in text_of(probe, 'message') else 'liveness'} probe fails"
        )
        evidence.append(of_event(probe))
        failed = facts.last_event("Unhealthy")
        evidence += [of_event(failed)] if failed is not None else []
        cure = f"Correct the probe, or give the container more time by initialDelaySeconds. {cure}"
    elif text_of(how, "reason") in start.REASONS:
        said = start.start_words(text_of(how, "message").strip())
        what = f"cannot be started: {said}"
        cure = start.cure_of(facts, container.name, said) or cure
    elif how.get("reason") == "OOMKilled":
        limit = text_of(facts.spec_of(container), "resources", "limits", "memory")
        evidence += [Evidence(f"resources.limits.memory of {container.name}", limit)] if limit else []
        cure = f"Raise limits.memory, or let it need less. {cure}"
    whose = "init container" if container.is_init else "container"
    return Finding(
        "CrashLoopBackOff",
        f"Pod {facts.name} does not stay up: {whose} {container.name} {what}, each time it is started.",
        cure,
        container.name,
        code,
        evidence=(*evidence, *of_log(facts, container.name)),
    )


def _failure(facts: PodFacts, container: Container) -> Finding | None:
    ended = container.ended
    restart = text_of(facts.pod, "spec", "restartPolicy") or "Always"
    code, why = number_of(ended, "exitCode"), text_of(ended, "reason")
    if not code or not (restart == "Never" or why in start.REASONS):
        return None
    detail = f": {start.start_words(text_of(ended, 'message').strip())}" if ended.get("message") else ""
    return Finding(
        why or "Error",
        f"Pod {facts.name} failed: container {container.name} {ending(code, why)}{detail}.",
        log_cure(facts, container.name),
        container.name,
        code,
        evidence=(container.evidence("state", "terminated"), *of_log(facts, container.name)),
    )


def ending(code: int | None, reason: object) -> str:
    """How a container ended, in words."""
    if reason == "OOMKilled":
        return "used more memory than its limit and was killed"
    return _ENDINGS.get(code, f"ends with exit code {code}")
