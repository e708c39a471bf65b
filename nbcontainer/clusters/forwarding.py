"""Ports of pods, forwarded to this machine.

Each connection has a WebSocket of its own, so a slow one does not hold up the others, and the next one goes to another
pod if the pod was replaced.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer.clusters.permissions import ask_permission
from nbcontainer.clusters.pod_ports import number_in, wanted_port
from nbcontainer.clusters.port_tunnel import REFUSED, LocalClosed, PortTunnel
from nbcontainer.clusters.ready_pods import (
    READY_SECONDS,
    PodTarget,
    find_target,
    first_of,
    is_ready,
    is_running,
    not_running,
    pods_of,
    ready_pod,
)
from nbcontainer.errors import ApiError, Forbidden, NbcontainerError, Unsupported, UsageError
from nbcontainer.json_objects import JsonObject, text_of
from nbcontainer.model.forwarding import Forwarding, ForwardRequest, ForwardStep, PortPair, apply_forward_step
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

POD_SECONDS = 30.0  # how long a connection waits for a pod that runs
AGAIN_SECONDS = 0.3  # after which a pod that refused a connection is tried again
STOP_SECONDS = 0.1  # how long a stop waits for open connections; they are closed in the background

_closing: set[asyncio.Task[None]] = set()  # keeps a reference so that the tasks are not garbage-collected


def forward(cluster: Cluster, request: ForwardRequest) -> Operation[ForwardStep, Forwarding, Forwarding]:
    """Forward ports until it is stopped. When this returns, the ports are listened on.

    Raises (this call, not the operation):
        NotFound: there is no such pod or other object, or no such port of it.
        ApiError: no pod of it runs.
        Forbidden: the user may not forward its ports.
        UsageError: a local port is in use, or may not be used.
    """
    target, pod = cluster.run(_find(cluster, request))
    sockets = [_listen(request.addresses, port) for port in request.ports]
    ports = tuple(
        replace(port, local=listening[0].getsockname()[1])
        for port, listening in zip(request.ports, sockets, strict=True)
    )
    name = text_of(pod, "metadata", "name")
    state = Forwarding(target.title, cluster.where, ports, request.addresses, pod=name, since=time.time())
    operation: Operation[ForwardStep, Forwarding, Forwarding] = Operation(
        f"port-forward to {target.title}",
        state,
        apply_forward_step,
        endless=True,
        conclude=lambda last, _: last,
    )
    has_begun = threading.Event()

    async def run(progress: Progress[ForwardStep]) -> None:
        has_begun.set()
        await _Forward(cluster, target, pod, ports, progress).run(sockets)

    def close_unused() -> None:
        for one in () if has_begun.is_set() else (each for listening in sockets for each in listening):
            one.close()  # it was stopped at once

    operation.when_done(close_unused)
    return operation.start_task(run)


async def _find(cluster: Cluster, request: ForwardRequest) -> tuple[PodTarget, JsonObject]:
    target = await find_target(cluster, request.target)
    pod = await ready_pod(cluster, target, request.timeout)
    for port in request.ports:
        number_in(pod, wanted_port(target, port.remote), target)
    await _refuse_forbidden(cluster, text_of(pod, "metadata", "name"))
    return target, pod


async def _refuse_forbidden(cluster: Cluster, pod: str) -> None:
    """Refuse now what each connection would be refused, where the program that makes it only sees that it breaks."""
    try:
        permission = await ask_permission(cluster, "get", f"pods/{pod}", subresource="portforward")
    except ApiError:  # not every user may ask
        return
    if not permission:
        raise Forbidden(
            f"pod {pod} is forbidden to this user: it cannot get pods/portforward in {cluster.where}.",
            reason="Forbidden",
            cure=f"`{permission.command}` asks for it alone. Another context or namespace may allow it.",
        )


def _listen(addresses: tuple[str, ...], port: PortPair) -> list[socket.socket]:
    """The sockets that listen on a local port, at each address.

    Raises:
        UsageError: the port is in use, or may not be used; or an address is not this machine's.
    """
    found: list[socket.socket] = []
    number = port.local
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            found.append(socket.create_server((address, number), family=family, backlog=128))
        except OSError as error:
            for opened in found:
                opened.close()
            raise _cannot_listen(address, port, error) from None
        number = found[0].getsockname()[1]
    return found


def _cannot_listen(address: str, port: PortPair, error: OSError) -> UsageError:
    cure = f":{port.remote} picks a free local port, 8000:{port.remote} another one."
    if error.errno == errno.EADDRINUSE:
        return UsageError(f"The local port {port.local} is in use.", cure=cure)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return UsageError(f"You may not listen on the local port {port.local}.", cure=cure)
    return UsageError(f"{address} is not an address of this machine to listen on.", cure="--address=127.0.0.1 is.")


class _Forward:
    def __init__(
        self,
        cluster: Cluster,
        target: PodTarget,
        pod: JsonObject,
        ports: tuple[PortPair, ...],
        progress: Progress[ForwardStep],
    ) -> None:
        self._cluster, self._target, self._ports, self._progress = cluster, target, ports, progress
        self._pod: JsonObject | None = pod
        self._pods: list[JsonObject] = [pod]
        self._changed = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()

    async def run(self, sockets: list[list[socket.socket]]) -> None:
        servers: list[asyncio.Server] = []
        ended = Outcome.STOPPED, ""
        try:
            for port, listening in zip(self._ports, sockets, strict=True):
                accept = partial(self._accept, port)
                servers += [await asyncio.start_server(accept, sock=one) for one in listening]
            await self._follow()
        except NbcontainerError as error:
            ended = outcome_of(error, stopped=False)
            raise
        finally:
            for server in servers:
                server.close()
            for one in (each for listening in sockets for each in listening):
                one.close()  # after its server, which would otherwise leave it in the event loop
            await self._close_connections()
            self._progress.emit(ForwardStep(note=ended[1], outcome=ended[0]))

    async def _close_connections(self) -> None:
        for task in self._connections:
            task.cancel()
            _closing.add(task)
            task.add_done_callback(_closing.discard)
        if self._connections:
            await asyncio.wait(self._connections, timeout=STOP_SECONDS)

    # --- which pod

    async def _follow(self) -> None:
        """Keep up with the target's pods until it is cancelled."""
        try:
            async for pods in pods_of(self._cluster, self._target):
                if isinstance(pods, str):
                    self._progress.emit(ForwardStep(note=f"its pods cannot be watched: {pods}"))
                else:
                    self._choose(pods)
        except Forbidden:
            if self._target.selector:
                raise
            await asyncio.Event().wait()  # the pod may be used but not watched: it is not replaced by another

    def _choose(self, pods: list[JsonObject]) -> None:
        self._pods = pods
        uid = text_of(self._pod, "metadata", "uid")
        same = next((pod for pod in pods if text_of(pod, "metadata", "uid") == uid), None)
        stays = same is not None and is_running(same) and (is_ready(same) or not self._target.selector)
        self._use(same if stays else first_of(pods))

    def _use(self, chosen: JsonObject | None, *, ready: bool = True) -> None:
        """Send new connections to a pod; one that is not ready is used only if it stays so."""
        if chosen is None and self._pod is not None:
            self._progress.emit(ForwardStep(note=self._no_pod().message))
        if chosen is not None and self._target.selector and ready and not is_ready(chosen):
            chosen = None
        if chosen is not None and text_of(chosen, "metadata", "uid") != text_of(self._pod, "metadata", "uid"):
            self._progress.emit(ForwardStep(pod=text_of(chosen, "metadata", "name"), note=""))
        self._pod = chosen
        self._changed.set()

    def _no_pod(self) -> ApiError:
        return not_running(self._cluster, self._target, self._pods)

    async def _current_pod(self) -> JsonObject:
        """The pod for a new connection, waiting until one runs, and a moment until one is ready."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                return await self._next_pod()
        if self._pod is None:
            self._use(first_of(self._pods), ready=False)
        return await self._next_pod()

    async def _next_pod(self) -> JsonObject:
        while self._pod is None:
            self._changed.clear()
            await self._changed.wait()
        return self._pod

    # --- connections

    def _accept(self, port: PortPair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(port, reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, port: PortPair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._progress.emit(ForwardStep(opened=1))
        try:
            await self._connect(port, reader, writer)
        except LocalClosed:
            _reset(writer)
        except NbcontainerError as error:
            _reset(writer)
            self._progress.emit(ForwardStep(note=error.message))
        except asyncio.CancelledError:
            _reset(writer)
            raise
        finally:
            writer.close()
            self._progress.emit(ForwardStep(opened=-1))

    async def _connect(self, port: PortPair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect to the pod. One that has just ended is not used: its successor is waited for, until it listens."""
        deadline, early = asyncio.get_running_loop().time() + POD_SECONDS, b""
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    pod = await self._current_pod()
            except TimeoutError:
                raise self._no_pod() from None
            number = number_in(pod, wanted_port(self._target, port.remote), self._target)
            tunnel = PortTunnel(self._cluster, text_of(pod, "metadata", "name"), number, early)
            try:
                await tunnel.run(reader, writer)
            except (Forbidden, Unsupported):
                raise
            except ApiError as error:
                starts = error.reason == REFUSED and not self._is_ready(pod) and tunnel.can_be_replaced
                if (tunnel.is_open and not starts) or asyncio.get_running_loop().time() > deadline:
                    raise
                early = tunnel.early
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self._progress.emit(ForwardStep(note=""))
                return

    def _is_ready(self, pod: JsonObject) -> bool:
        """Whether a pod is ready, as far as is known now; one that is gone is not."""
        uid = text_of(pod, "metadata", "uid")
        return any(is_ready(one) for one in self._pods if text_of(one, "metadata", "uid") == uid)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection: the program must not take a part of an answer for all of it."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
