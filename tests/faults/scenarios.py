"""All scenarios; a trial's number selects one of them, so new ones go at the end."""

from __future__ import annotations

from tests.faults import containers, images, pods
from tests.faults.trial import Scenario

SCENARIOS: list[type[Scenario]] = [
    containers.Run,
    images.Build,
    images.Push,
    images.Pull,
    containers.Logs,
    pods.Watch,
    containers.Exec,
    containers.RunWithInput,
    images.BuildByBuilder,
    images.PushToRegistry,
    images.PullFromRegistry,
    pods.PodLogs,
    pods.PlainWatch,
    pods.PodExec,
    containers.RunOnPodman,
    images.BuildOnPodman,
    images.PushOnPodman,
    images.PullOnPodman,
    containers.LogsOnPodman,
    pods.PlainPodLogs,
    pods.PlainPodExec,
    containers.ExecOnPodman,
]
OPERATIONS = ("run", "build", "push", "pull", "logs", "watch", "exec")
