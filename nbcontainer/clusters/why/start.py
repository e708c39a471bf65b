"""A container that the node cannot start: its configuration, its command, its user, its architecture."""

from __future__ import annotations

import re

from nbcontainer.clusters.why.facts import Container, PodFacts, of_event
from nbcontainer.json_objects import object_of, text_of
from nbcontainer.model.why import Evidence, Finding

REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError", "PostStartHookError"}
)
HOOK = "PostStartHookError"
_MISSING = re.compile(r'(configmap|secret) "([^"]+)" not found')
_KEY = re.compile(r"couldn't find key (\S+) in (ConfigMap|Secret) ([^\s/]+/)?(\S+)")
_COMMAND = re.compile(r'exec: "([^"]*)": (executable file not found in \$PATH|stat .*no such file or directory)')


def explain(facts: PodFacts) -> Finding | None:
    """The first container that cannot be started."""
    for container in facts.containers():
        reason = text_of(container.waiting, "reason")
        if reason == HOOK:
            return hook(facts, container)
        if reason in REASONS:
            said = start_words(text_of(container.waiting, "message").strip())
            cure = cure_of(facts, container.name, said)
            return Finding(
                reason,
                f"Pod {facts.name} cannot run: container {container.name} cannot be started: {said or reason}.",
                cure or f"{facts.describe} shows more; correct it, delete the pod, and create it again.",
                container.name,
                evidence=(container.evidence("state", "waiting"),),
            )
    return None


def hook(facts: PodFacts, container: Container) -> Finding:
    """A container whose postStart hook fails: it is killed each time."""
    event = facts.last_event("FailedPostStartHook")
    said = (text_of(event, "message") if event else text_of(container.waiting, "message")).strip().rstrip(".")
    own = object_of(facts.spec_of(container), "lifecycle", "postStart")
    evidence = [
        container.evidence("state", next(iter(object_of(container.status, "state")), "waiting")),
        *([of_event(event)] if event else []),
    ]
    evidence += [Evidence(f"lifecycle.postStart of {container.name}", str(own))] if own else []
    return Finding(
        HOOK,
        f"Pod {facts.name} does not stay up: the postStart hook of container {container.name} fails: {said or HOOK}.",
        f"Correct the hook; {facts.describe} shows what it answers.",
        container.name,
        evidence=tuple(evidence),
    )


def start_words(said: str) -> str:
    """The end of a runtime's long chain of errors; only the end names the cause."""
    _, found, cause = said.partition("unable to start container process: ")
    return (cause if found else said).strip().rstrip(".")


def cure_of(facts: PodFacts, container: str, said: str) -> str:
    """What to do about what is known; "" for anything else."""
    if found := _MISSING.search(said):
        kind = found[1]
        create = f"`%kube create {'secret generic' if kind == 'secret' else kind} {found[2]} …`"
        return f"Create it ({create}), or correct its name: {facts.kube('get', kind)} lists those that exist."
    if found := _KEY.search(said):
        shown = facts.kube("describe", found[2].lower(), found[4])
        return f"Correct the key, or add it: {shown} lists those that {found[4]} has."
    if "runAsNonRoot" in said:
        return "Set runAsUser in the container's securityContext to a user other than 0, or build the image with USER."
    if found := _COMMAND.search(said):
        what = f"The image has no {found[1]!r}: correct the command, or use an image that has it."
        return f"{what} {facts.describe} shows the command of {container}."
    if "permission denied" in said and 'exec: "' in said:
        return f"It may not be executed: correct the command, or `RUN chmod +x` the file. {facts.describe} shows it."
    return "Build the image with `--platform` for the node's architecture." if "exec format error" in said else ""
