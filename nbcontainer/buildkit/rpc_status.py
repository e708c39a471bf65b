"""gRPC's status codes, its error, and the encoding of its headers.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import base64
import binascii
import enum
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence

Metadata = Mapping[str, Sequence[str]]
Headers = Iterable[tuple[str, str]]


class Code(enum.IntEnum):
    """https://github.com/grpc/grpc/blob/master/doc/statuscodes.md."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RpcError(Exception):
    """A call that failed.

    Attributes:
        code: The reason as gRPC's code; `Code.UNAVAILABLE` where the connection failed.
        message: The reason in words.
        status_details: The encoded google.rpc.Status of grpc-status-details-bin, or nothing.
    """

    def __init__(self, code: Code, message: str, status_details: bytes = b"") -> None:
        super().__init__(message)
        self.code, self.message, self.status_details = code, message, status_details

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code.name}, {self.message!r})"


def metadata_of(headers: Headers) -> dict[str, list[str]]:
    """Group headers into lists by name; values of ``-bin`` headers stay in base64."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def binary_value(value: str) -> bytes:
    """Decode the value of a ``-bin`` header, with or without padding; nothing if it is malformed."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return b""


def encode_message(message: str) -> str:
    """Percent-encode a grpc-message."""
    return urllib.parse.quote(message.encode("utf-8", "replace"), safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")


def encode_timeout(seconds: float) -> str:
    """Write a grpc-timeout: at most eight digits and a unit."""
    for factor, unit in ((1000, "m"), (1, "S"), (1 / 60, "M"), (1 / 3600, "H")):
        count = max(1, int(seconds * factor))
        if count < 10**8:  # the protocol's limit
            return f"{count}{unit}"
    return "99999999H"


_HTTP_TO_CODE = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}

_HTTP2_TO_CODE = {
    7: Code.UNAVAILABLE,  # REFUSED_STREAM: it was not started
    8: Code.CANCELLED,  # CANCEL
    11: Code.RESOURCE_EXHAUSTED,  # ENHANCE_YOUR_CALM
    12: Code.PERMISSION_DENIED,  # INADEQUATE_SECURITY
}


def error_of_reset(error_code: int) -> RpcError:
    """The error that an RST_STREAM means."""
    code = _HTTP2_TO_CODE.get(error_code, Code.INTERNAL)
    what = "the other side cancelled the call" if code is Code.CANCELLED else "the other side aborted the call"
    return RpcError(code, f"{what} (HTTP/2 error {error_code})")


def error_of_headers(headers: Metadata, trailers: Metadata) -> RpcError | None:
    """The error with which a call ended, from its first and last headers; None for success."""
    last = trailers if "grpc-status" in trailers else headers
    status = (last.get("grpc-status") or [""])[0]
    if not status:
        http = (headers.get(":status") or ["no status"])[0]
        code = _HTTP_TO_CODE.get(int(http) if http.isdecimal() else 0, Code.UNKNOWN)
        return RpcError(code, f"the reply is not gRPC (HTTP {http})")
    message = urllib.parse.unquote((last.get("grpc-message") or [""])[0], errors="replace")
    try:
        code = Code(int(status))
    except ValueError:
        code, message = Code.UNKNOWN, message or f"unknown gRPC status {status!r:.40}"
    if code is Code.OK:
        return None
    details = binary_value((last.get("grpc-status-details-bin") or [""])[0])
    return RpcError(code, message or code.name, details)
