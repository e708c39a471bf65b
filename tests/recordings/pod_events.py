"""The events of the start of a real pod (Kubernetes, busybox)."""

from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import PodStart, PodStep, apply_pod_step

EVENTS = (
    PodStep("Pending", "created"),
    PodStep("ContainerCreating"),
    PodStep("Running"),
    PodStep("", outcome=Outcome.DONE),
)


def state() -> PodStart:
    """The pod's final state."""
    result = PodStart("web", "nbc · shop")
    for event in EVENTS:
        result = apply_pod_step(result, event)
    return result
