"""An image that cannot be had: a wrong name, a registry that has none or refuses, another architecture."""

from __future__ import annotations

from nbcontainer.clusters.why.facts import Container, PodFacts, of_event
from nbcontainer.json_objects import text_of
from nbcontainer.model.why import Finding

REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
_MISSING = ("not found", "manifest unknown")
_DENIED = ("unauthorized", "denied", "401", "authorization")
_ARCHITECTURE = ("no match for platform",)
_LONG = 200  # characters


def explain(facts: PodFacts) -> Finding | None:
    """The first container whose image cannot be had."""
    for container in facts.containers():
        reason = text_of(container.waiting, "reason")
        if reason in REASONS:
            return _finding(facts, container, reason)
    return None


def _finding(facts: PodFacts, container: Container, reason: str) -> Finding:
    image, said = text_of(container.status, "image"), text_of(container.waiting, "message").strip()
    event = facts.last_event("Failed", says="pull") if reason == "ImagePullBackOff" else None
    told = f"{said}\n{text_of(event, 'message')}" if event is not None else said  # back-off itself has no cause
    evidence = (container.evidence("state", "waiting"), *([of_event(event)] if event is not None else []))
    return Finding(
        reason,
        f"Pod {facts.name} cannot run: {_words(image, reason, told)}",
        _cure(facts, reason, told),
        container.name,
        evidence=evidence,
    )


def _words(image: str, reason: str, said: str) -> str:
    if reason == "InvalidImageName":
        return f"{image!r} is not a valid image name."
    if reason == "ErrImageNeverPull":
        return f"the image {image} is not on the node, and its pull policy is Never."
    words = f"the image {image} cannot be pulled: {_cause(said) or reason}."
    if _means(said, _ARCHITECTURE):
        words = f"the image {image} was built for another architecture than the node's."
    elif _means(said, _MISSING):
        words = f"the registry has no image {image}."
    elif _means(said, _DENIED):
        words = f"the registry does not allow the node to pull {image} without credentials."
    elif _means(said, ("http response to https client",)):
        words = f"the registry of {image} uses plain http, but the node expects https."
    elif _means(said, ("no such host", "connection refused", "timeout", "dial tcp")):
        words = f"the node cannot reach the registry of {image}: {_cause(said)}."
    return words


def _means(said: str, words: tuple[str, ...]) -> bool:
    """Whether a node's message mentions one of these: containerd has no codes for them."""
    return any(word in said.lower() for word in words)


def _cause(said: str) -> str:
    return said.rstrip(". ").rsplit(": ", 2)[-1] if len(said) > _LONG else said.rstrip(". ")


def _cure(facts: PodFacts, reason: str, said: str) -> str:
    if reason == "InvalidImageName":
        return "Delete the pod, and create it with a name such as registry:port/path/name:tag."
    if reason == "ErrImageNeverPull":
        return "Use `--image-pull-policy=IfNotPresent`, or load the image onto the node."
    if _means(said, _ARCHITECTURE):
        node = text_of(facts.pod, "spec", "nodeName") or "NODE"
        shown = facts.kube_wide("describe", "node", node)
        return f"Build it with `--platform` for the node: {shown} names its architecture."
    if _means(said, _DENIED):
        create = facts.commands.kubectl("create", "secret", "docker-registry", namespace=facts.namespace)
        return f"Give the pod an image pull secret (`{create} …`), or use a registry that needs no login."
    if _means(said, _MISSING):
        return "Check its name and tag, and that it was pushed (`%docker push`). The pod keeps trying."
    return f"The pod keeps trying; {facts.describe} shows the node's own message."
