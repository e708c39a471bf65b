"""Why a build failed: the details that BuildKit sends with an error.

They are google.protobuf.object messages whose values are JSON, not protobuf (their types end in ``+json``); kinds:
https://github.com/moby/buildkit/blob/master/solver/errdefs/errdefs.proto; the ``op`` of ``Solve`` is protojson: 64-bit
numbers are strings, defaults are left out.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from .messages import RpcStatus, SourceInfo, SourceMap
from .rpc_status import Code, RpcError
from .wire import WireError

_PARSE_ERROR = re.compile(r"dockerfile parse error (?:on )?line (\d{1,6}):")
_EXIT_CODE = re.compile(r"exit code: (\d{1,3})$")


@dataclass(frozen=True)
class Source:
    """Where an error comes from: a file as the daemon read it, and the ranges of its lines, first and last."""

    filename: str
    text: str
    ranges: tuple[tuple[int, int], ...]

    @property
    def lines(self) -> tuple[int, ...]:
        """All its line numbers, counted from 1, in order."""
        return tuple(sorted({line for first, last in self.ranges for line in range(first, last + 1)}))


class SolveError(RpcError):
    """A build that failed.

    Attributes:
        sources: Where in the Dockerfile, the innermost first; may be empty.
        step: Digest of the step that failed, as in `messages.Vertex`, or "".
        exit_code: Of the step's process, or None.
        subrequest: Name of a subrequest that the frontend does not know, or "".
    """

    def __init__(self, code: Code, message: str, status_details: bytes = b"") -> None:
        super().__init__(code, message, status_details)
        self.sources: tuple[Source, ...] = ()
        self.step = ""
        self.exit_code: int | None = None
        self.subrequest = ""
        for name, value in details(status_details):
            self._learn(name, value)

    @classmethod
    def of(cls, error: RpcError) -> Self:
        """The error of any call, with BuildKit's details."""
        return error if isinstance(error, cls) else cls(error.code, error.message, error.status_details)

    @property
    def lines(self) -> tuple[int, ...]:
        """The failing lines of the Dockerfile, counted from 1; none where the daemon does not say."""
        if self.sources:
            return self.sources[0].lines
        # A subrequest's error has no details, only BuildKit's parser.ErrorLocation in its message.
        match = _PARSE_ERROR.search(self.message)
        return (int(match[1]),) if match else ()

    def complete(self, step: str, source_map: SourceMap | None) -> None:
        """Fill in what an old daemon leaves out (Docker 20.10 sends no details at all).

        Args:
            step: Digest of the step that Status showed as failed.
            source_map: The lines of the steps.
        """
        self.step = self.step or step
        if self.exit_code is None and self.step and (match := _EXIT_CODE.search(self.message)):
            self.exit_code = int(match[1])
        if self.sources or source_map is None or self.step not in source_map.locations:
            return
        for location in source_map.locations[self.step].locations:
            known = 0 <= location.source < len(source_map.infos)
            info = source_map.infos[location.source] if known else SourceInfo()
            ranges = tuple(
                (found.start.line, found.end.line if found.end else found.start.line)
                for found in location.ranges
                if found.start is not None
            )
            if ranges:
                self.sources += (Source(info.filename, info.data.decode("utf-8", "replace"), ranges),)

    def _learn(self, name: str, value: object) -> None:
        if not isinstance(value, dict):
            return
        if name.endswith("errdefs.Source"):
            source = _source(value)
            if source.ranges:
                self.sources += (source,)
        elif name.endswith("errdefs.Vertex"):
            self.step = str(value.get("digest") or self.step)
        elif name.endswith("errdefs.Subrequest"):
            self.subrequest = str(value.get("name") or "")
        elif name.endswith("ExitMessage"):
            self.exit_code = _integer(value.get("Code", value.get("code", 0)))


def details(status_details: bytes) -> list[tuple[str, object]]:
    """Type name (without ``+json``) and decoded value of each detail; malformed ones are left out."""
    try:
        status = RpcStatus.decode(status_details)
    except WireError:
        return []
    found = []
    for detail in status.details:
        name = detail.type_url.rsplit("/", 1)[-1].removesuffix("+json")
        try:
            found.append((name, json.loads(detail.value)))
        except (ValueError, RecursionError):
            continue
    return found


def _source(value: dict[str, object]) -> Source:
    info = _dict(value.get("info"))
    try:
        text = base64.b64decode(str(info.get("data") or "")).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        text = ""
    ranges = []
    for item in _list(value.get("ranges")):
        first = _integer(_dict(item.get("start")).get("line", 0))
        last = _integer(_dict(item.get("end")).get("line", first))
        if 0 < first <= last < first + 100_000:
            ranges.append((first, last))
    return Source(str(info.get("filename") or ""), text, tuple(ranges))


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _integer(value: object) -> int:
    try:
        return int(value) if isinstance(value, int | float | str) else 0
    except (OverflowError, ValueError):
        return 0
