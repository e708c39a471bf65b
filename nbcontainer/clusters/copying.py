"""Files copied to or from a container, by its own tar, as `kubectl cp` does.

A container's tar is not trusted: nothing is written outside the target, and links that lead out of it are left out.
"""

from __future__ import annotations

import asyncio
import io
import os
import posixpath
import tarfile
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nbcontainer.buildkit.destination import Attributes, Destination, DestinationError, ReceivedFile, is_plain
from nbcontainer.clusters.command_stream import CommandStream
from nbcontainer.clusters.debugging import container_in
from nbcontainer.clusters.log_sources import default_container
from nbcontainer.clusters.ready_pods import find_target, ready_pod
from nbcontainer.errors import ApiError, CommandFailed, NbcontainerError, NotFound, Unsupported, UsageError
from nbcontainer.json_objects import JsonObject, object_of, text_of
from nbcontainer.model.copying import Copying, CopyRequest, CopyResult, CopyStep, apply_copy_step
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

CHUNK = 64 * 1024
POD_SECONDS = 60.0
EMIT_SECONDS = 0.1


def copy(cluster: Cluster, request: CopyRequest) -> Operation[CopyStep, Copying, CopyResult]:
    """Copy a file or a folder.

    The operation raises:
        NotFound: there is no such pod, container or file.
        Unsupported: the container has no tar.
        CommandFailed: its tar failed.
    """
    there = f"{request.pod}:{request.path}"
    ends = (request.local, there) if request.upload else (there, request.local)
    if request.upload and not os.path.lexists(request.local):
        raise UsageError(f"There is no file {request.local!r} on this machine.")
    words = ["cp", *ends, *(["-c", request.container] if request.container else [])]
    command = cluster.commands.kubectl(*words)
    operation: Operation[CopyStep, Copying, CopyResult] = Operation(
        f"copy of {ends[0]}",
        Copying(*ends, cluster.where),
        apply_copy_step,
        conclude=lambda last, path: CopyResult(path, last.files, last.size, last.notes, command, last),
    )
    return operation.start_task(lambda progress: _Copy(cluster, request, progress).run())


class _Copy:
    def __init__(self, cluster: Cluster, request: CopyRequest, progress: Progress[CopyStep]) -> None:
        self._cluster, self._request, self._progress = cluster, request, progress
        self._files = self._size = 0
        self._emitted = 0.0

    async def run(self) -> str:
        try:
            target = await find_target(self._cluster, self._request.pod)
            pod = await ready_pod(self._cluster, target, POD_SECONDS)
            self._request = replace(self._request, pod=text_of(pod, "metadata", "name"))
            if self._request.image:
                await self._go_beside(pod)
            path = await (self._upload() if self._request.upload else self._download())
        except asyncio.CancelledError:
            self._emit(outcome=Outcome.STOPPED)
            raise
        except NbcontainerError as error:
            self._emit(outcome=outcome_of(error, stopped=False)[0])
            raise
        self._emit(outcome=Outcome.DONE)
        return path

    async def _go_beside(self, pod: JsonObject) -> None:
        """Use the tar of a container for debugging, to which the files are below /proc/1/root."""
        request = self._request
        if object_of(pod, "spec").get("shareProcessNamespace"):
            raise Unsupported("`--image`", f"The pod {request.pod}, whose containers share their processes,")
        target = request.container or default_container(pod)
        container = await container_in(self._cluster, request.pod, request.image, target)
        path = posixpath.join("/", request.path)
        self._request = replace(request, container=container, path=f"/proc/1/root{path}")

    def _emit(self, note: str = "", outcome: Outcome = Outcome.RUNNING) -> None:
        if note or outcome or time.monotonic() - self._emitted > EMIT_SECONDS:
            self._emitted = time.monotonic()
            self._progress.emit(CopyStep(self._files, self._size, note, outcome))

    def _stream(self, *words: str) -> CommandStream:
        return CommandStream(self._cluster, self._request.pod, self._request.container, words)

    # --- from the pod

    async def _download(self) -> str:
        folder, name = posixpath.split(posixpath.normpath(self._request.path))
        target = _within(Path(self._request.local), name)
        if _is_special(target):
            raise UsageError(f"{target} is not a file or a folder.")
        read_end, write_end = os.pipe()
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(write_end, "wb", 0)
        )
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
        extracting = asyncio.ensure_future(asyncio.to_thread(self._extract, os.fdopen(read_end, "rb"), target, name))
        stream = self._stream("tar", "cf", "-", "-C", folder or ".", "--", name or ".")

        async def take(part: bytes) -> None:
            if extracting.done():
                await extracting  # raises why it has ended
            writer.write(part)
            with suppress(OSError):
                await writer.drain()

        try:
            code = await self._having_tar(stream.run(take))
        finally:
            transport.close()
            with suppress(tarfile.TarError, EOFError):  # cut off; the command's end says why
                await asyncio.shield(extracting)
        if code:
            raise self._failed(code, stream.errors)
        return str(target)

    def _extract(self, source: BinaryIO, target: Path, name: str) -> None:
        """Write what the archive has, on a thread."""
        with source, tarfile.open(fileobj=source, mode="r|") as archive, ExitStack() as ending:
            destination: Destination | None = None
            whole = False
            for member in archive:
                if destination is None:
                    whole = member.isdir()
                    root = target if whole else target.parent
                    root.mkdir(parents=True, exist_ok=True)
                    destination = ending.enter_context(Destination(root))
                inside = posixpath.relpath(posixpath.normpath(member.name.lstrip("/")), name or ".")
                if whole and inside == ".":
                    continue
                try:
                    self._write(archive, member, destination, inside if whole else target.name, name)
                except DestinationError as error:
                    raise ApiError(f"{target}: {error.path} {error.reason}", reason="LocalFile") from None
            if destination is not None:
                destination.finish()
            while source.read(CHUNK):
                pass  # tar pads its archives, and would otherwise be cut off

    def _write(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, destination: Destination, path: str, name: str
    ) -> None:
        """Write one member; what leads out of the target, and devices, are left out."""
        attributes = Attributes(member.mode & 0o777, int(member.mtime * 1_000_000_000))
        linked = posixpath.relpath(posixpath.normpath(member.linkname.lstrip("/")), name or ".")
        if not is_plain(path) or _leads_out(member, path) or (member.islnk() and not is_plain(linked)):
            self._emit(f"left out: {path}, which leads out of the target")
        elif member.isdir():
            destination.make_folder(path, attributes)
        elif member.issym():
            destination.make_symlink(path, member.linkname, attributes)
        elif member.islnk():
            destination.make_link(path, linked)
        elif not member.isfile():
            self._emit(f"left out: {path}, which is not a file")
        else:
            self._receive(archive, member, destination.open_file(path, attributes))
        self._emit()

    def _receive(self, archive: tarfile.TarFile, member: tarfile.TarInfo, file: ReceivedFile) -> None:
        content = archive.extractfile(member)
        try:
            while content is not None and (part := content.read(CHUNK)):
                file.write(part)
                self._size += len(part)
                self._emit()
        except BaseException:
            file.abandon()
            raise
        file.finish()
        self._files += 1

    # --- to the pod

    async def _upload(self) -> str:
        local = Path(self._request.local)
        path = posixpath.normpath(self._request.path)
        if await self._is_folder(path):
            path = posixpath.join(path, _name_of(local))
        folder, name = posixpath.split(path)
        read_end, write_end = os.pipe()
        reader = asyncio.StreamReader(CHUNK)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
        )
        packing = asyncio.ensure_future(asyncio.to_thread(self._pack, os.fdopen(write_end, "wb"), local, name))
        stream = self._stream("tar", "xmf", "-", "-C", folder or ".")
        try:
            code = await self._having_tar(stream.run(_ignore, reader))
        finally:
            transport.close()
            with suppress(BrokenPipeError):
                await asyncio.shield(packing)
        if code:
            raise self._failed(code, stream.errors)
        return f"{self._request.pod}:{path}"

    async def _is_folder(self, path: str) -> bool:
        try:
            return await self._stream("test", "-d", path).run(_ignore) == 0
        except NotFound:
            return False

    def _pack(self, target: BinaryIO, local: Path, name: str) -> None:
        try:
            with target, tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT) as archive:
                self._add(archive, local, name)
        except BrokenPipeError:
            raise
        except OSError as error:
            why = error.strerror or error
            raise ApiError(f"{error.filename or local} cannot be read: {why}", reason="LocalFile") from None

    def _add(self, archive: tarfile.TarFile, local: Path, name: str) -> None:
        """Add a file, or a folder with what is in it, and tell how many bytes were read."""
        member: tarfile.TarInfo | None = archive.gettarinfo(local, name)
        if member is None:  # a socket
            self._emit(f"{local} is not a file, and was left out")
        elif member.isreg():
            with local.open("rb") as file:
                archive.addfile(member, _Counted(file, self._count))
            self._files += 1
        else:
            archive.addfile(member)
            for each in sorted(local.iterdir()) if member.isdir() else ():
                self._add(archive, each, f"{name}/{each.name}")
        self._emit()

    def _count(self, size: int) -> None:
        self._size += size
        self._emit()

    # --- errors

    async def _having_tar(self, running: asyncio.Future[int] | object) -> int:
        try:
            code: int = await running  # type: ignore[misc] # a coroutine
        except NotFound as error:
            if "no command 'tar'" not in error.message:
                raise
            raise Unsupported(
                "cp",
                f"The container of {self._request.pod}, which has no tar,",
                cure="`--image=busybox` uses the tar of a container for debugging, which is added to the pod.",
            ) from None
        return code

    def _failed(self, code: int, errors: str) -> NbcontainerError:
        lines = [line for line in errors.splitlines() if "removing leading" not in line.lower()]
        said = next((line for line in lines if "exit" not in line), "").removeprefix("tar: ")
        if "no such file" in said.lower() or "can't open" in said.lower() or "cannot stat" in said.lower():
            return NotFound(
                f"There is no {self._request.path} in the pod {self._request.pod}: {said}", reason="NotFound"
            )
        return CommandFailed(f"tar in {self._request.pod} ended with exit code {code}: {said}", exit_code=code)


class _Counted(io.RawIOBase):
    """A file that tells how much is read from it."""

    def __init__(self, file: BinaryIO, count: Callable[[int], None]) -> None:
        self._file, self._count = file, count

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        data = self._file.read(size)
        self._count(len(data))
        return data


def _leads_out(member: tarfile.TarInfo, path: str) -> bool:
    """Whether it is a link to something outside of the folder that is copied."""
    if not member.issym():
        return False
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname))
    return posixpath.isabs(reached) or reached.split("/")[0] == ".."


def _within(target: Path, name: str) -> Path:
    """Where something of this name goes: into the target, if that is a folder."""
    return target / name if target.is_dir() and name not in {"", "."} else target


def _is_special(target: Path) -> bool:
    """Whether it exists and is a device or the like, which a file would replace."""
    return target.exists() and not target.is_file() and not target.is_dir()


def _name_of(local: Path) -> str:
    return local.resolve().name if local.name in {"", ".."} else local.name


async def _ignore(part: bytes) -> None:
    del part
