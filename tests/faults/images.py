"""Trials of images: build, push and pull, broken between us and the engine, and between the engine and the registry."""

from __future__ import annotations

import json
import socket
import tarfile
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from random import Random
from typing import Any, ClassVar

import nbcontainer as nbc
from nbcontainer.engines import images
from nbcontainer.errors import NbcontainerError
from nbcontainer.model.build import BuildEvent, BuildResult, BuildState
from nbcontainer.operation import Operation
from tests.environment import parts
from tests.environment.buildkitd import Buildkitd
from tests.faults.containers import IMAGE, OnEngine, patience
from tests.faults.proxy import Kind, connector, tcp_listener
from tests.faults.trial import address_of, attempt
from tests.faults.verdict import Difference, Ended, compare_lines

STEP_LINES = 60
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
NOTHING = Difference("no result", missing=True)


class Build(OnEngine):
    """`docker build` of a text with a file, a step that writes, and a tag."""

    operation = "build"
    name = "build by Docker's BuildKit"
    builder: ClassVar[str] = ""

    @property
    def tag(self) -> str:
        """The image's name."""
        return f"faults/{self.word}:1"

    def build(self, engine: str, builder: str = "") -> Operation[BuildEvent, BuildState, BuildResult]:
        """Build something that is in no cache."""
        loop = f"i=1; while [ $i -le {STEP_LINES} ]; do echo line $i of {STEP_LINES}; i=$((i+1)); done"
        text = f"FROM {IMAGE}\nENV word={self.word}\nRUN {loop}; sleep 0.2\nCOPY file /file\nRUN sha256sum /file\n"
        files = {"file": self.content}
        return nbc.engine(engine).images.build(text, context=None, files=files, tags=(self.tag,), builder=builder)

    @property
    def content(self) -> bytes:
        """The file's bytes, which are in no cache."""
        return Random(self.word).randbytes(200_000)

    def carry_out(self, address: str) -> Ended:
        return attempt(lambda: self.build(address))

    def difference(self, ended: Ended) -> Difference:
        if ended.failed or ended.value is None:
            return NOTHING
        state: BuildState = ended.value.state
        found = [line for step in state.instructions for line in step.output]
        # Podman's stream has more than the steps' output
        ended.lines = [line for line in found if line.startswith("line ")]
        ended.notes = tuple(warning.problem.message for warning in state.warnings)
        difference = compare_lines(
            [f"line {number} of {STEP_LINES}" for number in range(1, STEP_LINES + 1)], ended.lines
        )
        if difference.words:
            # lines come in messages: a changed byte may move them to another step, or make them an unknown field
            return replace(difference, bytes=1) if difference.missing else difference
        if f"{sha256(self.content).hexdigest()}  /file" not in found:
            return Difference("another file has arrived", bytes=1)
        return self.difference_of_image(ended.value.id)

    def difference_of_image(self, reported: str) -> Difference:
        """Whether the engine has the image that the result names."""
        with patience(), suppress(NbcontainerError):
            kept = str(images.inspect(self.direct, self.tag)["Id"])
            kept = kept if kept.startswith("sha256:") else f"sha256:{kept}"
            return Difference() if kept == reported else Difference(f"the image {reported} for {kept}", bytes=1)
        return Difference(f"there is no image {self.tag}")

    def end(self) -> None:
        super().end()
        with patience(), suppress(NbcontainerError):
            images.remove(self.direct, self.tag, force=True)


class BuildOnPodman(Build):
    name = "build by Podman"
    part = "podman"
    waits = frozenset({Kind.STALL})


class BuildByBuilder(Build):
    """A build by a buildkitd, which sends its image to us; we load it into the engine."""

    name = "build by buildkitd"
    needs = (*OnEngine.needs, "buildkitd")

    def connect(self) -> socket.socket:
        return connector(f"unix://{Buildkitd().socket}")()

    def carry_out(self, address: str) -> Ended:
        return attempt(lambda: self.build(self.host, address))


class Moves(OnEngine):
    """An operation between an engine and a registry."""

    layer_bytes: ClassVar[int] = 400_000

    @property
    def registry(self) -> str:
        """The registry's real address."""
        return str(parts()["registry"].address)  # type: ignore[attr-defined]

    @property
    def name_there(self) -> str:
        """The image's name without the registry's address."""
        return f"faults/{self.word}:1"

    def image_at(self, host: str) -> str:
        """The image's full name."""
        return f"{host}/{self.name_there}"

    def make_image(self, name: str) -> str:
        """Make an image of one random layer; returns its id."""
        archive, content = BytesIO(), Random(self.word).randbytes(self.layer_bytes)
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
            entry = tarfile.TarInfo("random")
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
        headers = {"Content-Type": "application/x-tar"}
        with patience():
            reply = self.direct.http().call(
                "POST", "/images/create", query={"fromSrc": "-"}, body=archive.getvalue(), headers=headers
            )
            words = json.loads(reply.body.strip().split(b"\n")[-1])["status"].strip()
            images.tag(self.direct, words, name)
            return str(images.inspect(self.direct, name)["Id"]).removeprefix("sha256:")

    def manifest(self) -> tuple[str, dict[str, Any]]:
        """The image's digest in the registry, and its manifest; "" if there is none."""
        name, _, tag = self.name_there.partition(":")
        request = urllib.request.Request(
            f"http://{self.registry}/v2/{name}/manifests/{tag}", headers={"Accept": MANIFEST}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                content = reply.read()
        except urllib.error.HTTPError as error:
            error.close()
            return "", {}
        return f"sha256:{sha256(content).hexdigest()}", json.loads(content)

    def forget(self, *names: str) -> None:
        """Remove names of images."""
        for name in names:
            with patience(), suppress(NbcontainerError):
                images.remove(self.direct, name, force=True)


class Push(Moves):
    """`docker push`, broken between us and the engine."""

    operation = "push"
    name = "push by Docker"
    waits = frozenset({Kind.STALL})

    def begin(self) -> None:
        self.make_image(self.image_at(self.registry))

    def carry_out(self, address: str) -> Ended:
        return attempt(lambda: nbc.engine(address).images.push(self.image_at(self.registry)))

    def difference(self, ended: Ended) -> Difference:
        if ended.failed or ended.value is None:
            return NOTHING
        kept, manifest = self.manifest()
        if not kept:
            return Difference("the registry has no such image")
        if ended.value.digest != kept:
            same = sum(a != b for a, b in zip(ended.value.digest, kept, strict=False))
            return Difference(f"the digest {ended.value.digest} for {kept}", bytes=same)
        name = self.name_there.partition(":")[0]
        for layer in (manifest["config"], *manifest["layers"]):
            with urllib.request.urlopen(
                f"http://{self.registry}/v2/{name}/blobs/{layer['digest']}", timeout=30
            ) as blob:
                if f"sha256:{sha256(blob.read()).hexdigest()}" != layer["digest"]:
                    return Difference(f"the registry's {layer['digest']} is another")
        return Difference()

    def end(self) -> None:
        self.forget(self.image_at(self.registry))


class PushOnPodman(Push):
    name = "push by Podman"
    part = "podman"


class PushToRegistry(Push):
    """The same, broken between engine and registry, where bytes have digests and the engine is the one that waits."""

    name = "push, at the registry"
    checked = True
    engines = True
    waits = frozenset({Kind.STALL, Kind.FREEZE})

    def listener(self) -> socket.socket:
        listener = tcp_listener()
        self.between = address_of(listener)
        with patience():
            images.tag(self.direct, self.image_at(self.registry), self.image_at(self.between))
        return listener

    def connect(self) -> socket.socket:
        return connector(self.registry)()

    def carry_out(self, address: str) -> Ended:
        return attempt(lambda: nbc.engine(self.host).images.push(self.image_at(address)))

    def end(self) -> None:
        self.forget(self.image_at(self.registry), self.image_at(self.between))


class Pull(Moves):
    """`docker pull`, broken between us and the engine."""

    operation = "pull"
    name = "pull by Docker"
    waits = frozenset({Kind.STALL})

    def begin(self) -> None:
        name = self.image_at(self.registry)
        self.id = self.make_image(name)
        with patience():
            images.push(self.direct, name).result(60)
        self.forget(name)

    @property
    def image(self) -> str:
        """The name to pull."""
        return self.image_at(self.registry)

    def carry_out(self, address: str) -> Ended:
        return attempt(lambda: nbc.engine(address).images.pull(self.image))

    def difference(self, ended: Ended) -> Difference:
        if ended.failed or ended.value is None:
            return NOTHING
        with patience(), suppress(NbcontainerError):
            kept = str(images.inspect(self.direct, self.image)["Id"]).removeprefix("sha256:")
            if kept != self.id:
                return Difference(f"the image {kept} for {self.id}")
            wanted, _ = self.manifest()
            reported = ended.value.digest
            same = sum(a != b for a, b in zip(reported, wanted, strict=False))
            return (
                Difference() if reported == wanted else Difference(f"the digest {reported!r} for {wanted}", bytes=same)
            )
        return Difference(f"the engine has no {self.image}")

    def end(self) -> None:
        self.forget(self.image)


class PullOnPodman(Pull):
    name = "pull by Podman"
    part = "podman"

    def difference(self, ended: Ended) -> Difference:
        found = super().difference(ended)
        # Podman names several digests of an image, and reports none
        return Difference() if ended.value is not None and not ended.value.digest and "for" in found.words else found


class PullFromRegistry(Pull):
    """The same, broken between engine and registry."""

    name = "pull, at the registry"
    checked = True
    engines = True
    waits = frozenset({Kind.STALL, Kind.FREEZE})

    def listener(self) -> socket.socket:
        listener = tcp_listener()
        self.between = address_of(listener)
        return listener

    def connect(self) -> socket.socket:
        return connector(self.registry)()

    @property
    def image(self) -> str:
        return self.image_at(self.between)

    def carry_out(self, address: str) -> Ended:
        del address
        return attempt(lambda: nbc.engine(self.host).images.pull(self.image))
