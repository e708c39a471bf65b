"""Creating Podman's pods: from a request, or played from YAML.

Source: the libpod API 4.0, /libpod/play/kube.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.engines.containers import inspect
from nbcontainer.engines.failures import plain
from nbcontainer.engines.http import quoted
from nbcontainer.engines.logs import logs as container_logs
from nbcontainer.engines.pod_tables import pod_status
from nbcontainer.engines.pods import find_pod, own_containers, podman_http
from nbcontainer.errors import ApiError, CommandFailed, Conflict, NbcontainerError, NotFound, Unsupported, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, words_of
from nbcontainer.kubernetes_yaml.manifests import parse_manifests
from nbcontainer.model.changes import Change
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.model.pods import PodRequest, PodStart, PodStep, apply_pod_step, pod_manifest
from nbcontainer.model.source_map import SourceMap
from nbcontainer.operation import Operation, Progress

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine

PLAYED = ("Pod", "Deployment")
PLAY_SECONDS = 600.0  # an image may have to be pulled
SETTLE_SECONDS = 0.5  # how long a container is watched for an immediate end
SETTLE_PAUSE = 0.05


def create(engine: Engine, request: PodRequest) -> Operation[PodStep, PodStart, Change]:
    """Create a pod, pull its image where it is missing, and wait until it runs (or has completed).

    The operation raises:
        Conflict: there is a pod of this name.
        NotFound: the image cannot be pulled.
        CommandFailed: its container ended with a non-zero exit code.

    Raises:
        Unsupported: a Service is wanted, too.
    """
    if request.expose:
        raise Unsupported("`--expose`", engine.name, cure="Services need a Kubernetes cluster.")
    operation: Operation[PodStep, PodStart, Change] = Operation(
        f"start of pod {request.name}",
        PodStart(request.name, engine.name),
        apply_pod_step,
        final_event=lambda: PodStep("", outcome=Outcome.STOPPED),
    )
    return operation.start_thread(lambda progress: _create(engine, request, progress))


def _create(engine: Engine, request: PodRequest, progress: Progress[PodStep]) -> Change:
    progress.emit(PodStep("Pending", "the image is pulled if it is missing"))
    sent = pod_manifest(request)
    try:
        changes = _play(engine, [sent], progress)
        if request.wait:
            _until_running(engine, request, progress)
        progress.emit(PodStep("", outcome=Outcome.DONE))
    except NbcontainerError as error:
        outcome, reason = outcome_of(error, stopped=progress.stopping)
        progress.emit(PodStep("", reason, outcome))
        raise
    pod = find_pod(engine, request.name)
    return Change("Pod", request.name, "", "created", status=pod_status(pod, [], []), uid=changes[0].uid,
                     where=engine.name, command=changes[0].command, manifest=sent)  # fmt: skip


def _play(engine: Engine, manifests: Sequence[JsonObject], progress: Progress[PodStep] | None) -> list[Change]:
    """Have Podman play manifests, one by one; returns what it did for each."""
    changes = []
    for manifest in manifests:
        name = text_of(manifest, "metadata", "name")
        stream = None
        try:
            stream = podman_http(engine).stream(
                "POST",
                "/libpod/play/kube",
                query={"start": "true"},
                body=json.dumps(_without_ports(manifest)).encode(),  # JSON is YAML
                headers={"Content-Type": "application/yaml"},
                timeout=PLAY_SECONDS,
                on_open=None if progress is None else progress.on_stop,
            )
            answer = next(stream.lines(), {})
        except ApiError as error:
            raise _refusal(engine, name, error) from None
        finally:
            if stream is not None:
                stream.close()
        pods = entries_of(answer, "Pods")
        faults = [fault for pod in pods for fault in words_of(pod, "ContainerErrors")]
        if faults:
            raise ApiError(f"Pod {name} did not start: {plain(faults[0])}", reason="ContainerError")
        changes += [_created(engine, manifest, text_of(pod, "ID")) for pod in pods or [{}]]
    return changes


def _created(engine: Engine, manifest: JsonObject, uid: str) -> Change:
    """The change that one pod is; Podman chooses the names of a Deployment's pods."""
    name = text_of(manifest, "metadata", "name")
    if manifest.get("kind") != "Pod" and uid:
        name = text_of(object_of(podman_http(engine).json("GET", f"/libpod/pods/{uid}/json")), "Name")
    command = engine.commands.podman("kube", "play", "-")
    return Change("Pod", name, "", "created", uid=uid, where=engine.name, command=command, manifest=manifest)


def _without_ports(manifest: JsonObject) -> JsonObject:
    """The manifest with only those ports that name a host port: Podman 4.3 publishes all others on the host too."""
    spec = object_of(manifest, "spec")
    if manifest.get("kind") == "Deployment":
        return {**manifest, "spec": {**spec, "template": _without_ports(object_of(spec, "template"))}}
    containers = spec.get("containers")
    if not isinstance(containers, list):
        return manifest
    return {**manifest, "spec": {**spec, "containers": [_without_its_ports(one) for one in containers]}}


def _without_its_ports(container: object) -> object:
    if not isinstance(container, dict):  # Podman says what is wrong with it
        return container
    return {**container, "ports": [port for port in entries_of(container, "ports") if port.get("hostPort")]}


def _refusal(engine: Engine, name: str, error: ApiError) -> ApiError:
    """What Podman's refusal means. It leaves half a pod where an image cannot be pulled, which is removed here."""
    message = error.message.removeprefix("playing YAML file: ")
    if isinstance(error, Conflict) or "already exists" in message or "is in use" in message:
        cure = f"Choose another name, or delete it: {engine.commands.pods('delete', name)}"
        return existence.already_exists("pod", name, engine.name, cure=cure)
    if "initializing source" in message or "manifest unknown" in message or "pull policy" in message:
        with suppress(NbcontainerError):
            podman_http(engine).call("DELETE", f"/libpod/pods/{quoted(name)}", query={"force": "true"})
        return NotFound(
            f"Pod {name} cannot run: its image cannot be pulled. {message}",
            reason="ErrImagePull",
            cure=f"Check the image's name, and push it first; {engine.commands.magic('images')} lists what is here.",
        )
    return ApiError(f"Podman refused pod {name}: {message}", status=error.status, reason=error.reason)


def _until_running(engine: Engine, request: PodRequest, progress: Progress[PodStep]) -> None:
    """Check that the pod, which Podman has started, does not end at once."""
    pod = find_pod(engine, request.name)
    status = pod_status(pod, [], [])
    progress.emit(PodStep(status))
    for container in own_containers(pod):
        # Podman's own wait misses the end of a container that is restarted at once
        deadline = time.monotonic() + SETTLE_SECONDS
        while (code := _exit_code(engine, text_of(container, "Id"))) is None and time.monotonic() < deadline:
            time.sleep(SETTLE_PAUSE)
        if code:
            output = _last_output(engine, text_of(container, "Id"))
            raise CommandFailed(
                f"The container of pod {request.name} ended with exit code {code}."
                + "".join(f"\n  {line}" for line in output.splitlines()[-3:]),
                exit_code=code,
                output=output,
                cure=f"It stays; {engine.commands.pods('logs', request.name)} shows what it wrote.",
            )


def _exit_code(engine: Engine, container: str) -> int | None:
    """The exit code of a container that has ended, even if it was restarted since; None where it has not ended yet."""
    found = inspect(engine, container)
    if text_of(found, "State", "Status") in ("exited", "stopped"):  # "stopped" before Podman starts it again
        return number_of(found, "State", "ExitCode")
    if not found.get("RestartCount"):
        return None
    # a running container's exit code is 0: only Podman's events have the one before
    query = {"stream": "false", "filters": json.dumps({"container": [container], "event": ["died"]})}
    with podman_http(engine).stream("GET", "/libpod/events", query=query) as stream:
        codes = [text_of(event, "Actor", "Attributes", "containerExitCode") for event in stream.lines()]
    return int(codes[-1]) if codes and codes[-1].isdecimal() else 0


def _last_output(engine: Engine, container: str) -> str:
    with suppress(NbcontainerError):
        return container_logs(engine, LogRequest(names=(container,), tail=20)).result(10).text
    return ""


def apply(
    engine: Engine,
    text: str,
    *,
    source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
) -> list[Change]:
    """Play the pods and Deployments of a YAML text: no other kinds are supported, and a pod that exists is not changed.

    Of a Deployment, Podman makes the pods and keeps nothing else: it cannot be scaled, and its pods are not replaced.

    Raises:
        UsageError: it is not YAML, or has another kind than these; with the user's own line.
        Conflict: a pod of that name exists.
    """
    manifests = parse_manifests(text, source_map.own)
    for manifest in manifests:
        if manifest.kind not in PLAYED:
            raise UsageError(
                f"line {manifest.line_of('kind')}: {engine.name} can apply only pods and Deployments, "
                f"not {manifest.kind}.",
                cure="A cluster takes all kinds: put a kubeconfig at ~/.kube/config.",
            )
    return _play(engine, [manifest.document for manifest in manifests], None)
