"""The protocol-buffer wire format: enough of proto3 for the messages that BuildKit speaks.

A message is a class whose attributes name their field numbers; the class is the schema::

    class Vertex(Message):
        digest: str = text(1)
        inputs: list[str] = texts(2)
        started: Time | None = one(5, Time)

Unset scalars read as their zero, unset lists and maps as empty ones, unset sub-messages as ``None``. Unknown fields,
groups among them, are skipped; whatever else is wrong with the input raises `WireError`. Encoding rules:
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self, TypeVar, cast

VARINT, FIXED64, LENGTH, START_GROUP, END_GROUP, FIXED32 = range(6)
_MASK = 0xFFFF_FFFF_FFFF_FFFF
_SMALL = [bytes([number]) for number in range(128)]
_DEEPEST_GROUP = 64


class WireError(ValueError):
    """Bytes that are not a protocol-buffer message, or a value that cannot be written as one."""


def encode_varint(number: int) -> bytes:
    """Write an unsigned number in groups of seven bits, lowest first."""
    if number < 128:  # noqa: PLR2004 - fits into seven bits
        return _SMALL[number]
    out = bytearray()
    while number > 127:  # noqa: PLR2004 - fits into seven bits
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def decode_varint(data: bytes, position: int) -> tuple[int, int]:
    """Read a number at `position`; returns it and the position after it.

    Raises:
        WireError: It is incomplete, or longer than ten bytes.
    """
    result = shift = 0
    try:
        while True:
            byte = data[position]
            position += 1
            result |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the top bit means that more follow
                return result & _MASK, position
            shift += 7
            if shift > 63:  # noqa: PLR2004 - ten bytes hold 64 bits
                raise WireError("a number is longer than ten bytes")
    except IndexError:
        raise WireError("the message ends within a number") from None


def _skip_group(data: bytes, position: int, number: int) -> int:
    """Return the position after the group that was opened as field `number`."""
    still_open = [number]
    while still_open:
        key, position = decode_varint(data, position)
        kind = key & 7
        if kind == START_GROUP:
            if len(still_open) == _DEEPEST_GROUP:
                raise WireError("groups are nested too deeply")
            still_open.append(key >> 3)
        elif kind == END_GROUP:
            if still_open.pop() != key >> 3:
                raise WireError("a group ends that was not started")
        else:
            _, position = _read_value(data, position, kind)
    return position


def _read_value(data: bytes, position: int, kind: int) -> tuple[int | bytes, int]:
    if kind == VARINT:
        return decode_varint(data, position)
    if kind == LENGTH:
        length, position = decode_varint(data, position)
    elif kind == FIXED64:
        length = 8
    elif kind == FIXED32:
        length = 4
    else:
        raise WireError(f"unknown wire type {kind}")
    end = position + length
    if end > len(data):
        raise WireError("the message ends within a field")
    return data[position:end], end


Values = dict[str, Any]
"""A message's values by field name, each of the field's own type."""

Writer = Callable[[list[bytes], bytes, Any], None]
Reader = Callable[[Values, str, Any], None]


class Field(NamedTuple):
    """How one attribute is encoded."""

    number: int
    kind: int
    write: Writer
    read: Reader
    default: object
    hidden: bool = False


class _Fresh:
    """A class attribute that creates a list or map for each instance when it is first read."""

    def __init__(self, factory: Callable[[], object], name: str) -> None:
        self.factory, self.name = factory, name

    def __get__(self, instance: "Message | None", owner: type) -> object:
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.factory()
        return value


class Message:
    """Base of all messages: keyword arguments set fields, `encode` and `decode` convert to and from bytes.

    Its `repr` shows neither bytes nor fields that are marked as hidden, to keep secrets out of logs.
    """

    _fields: ClassVar[list[tuple[str, bytes, Writer]]] = []
    _by_number: ClassVar[dict[int, tuple[str, int, Reader]]] = {}
    _hidden: ClassVar[frozenset[str]] = frozenset()
    _names: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        found = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        in_order = sorted(found.items(), key=lambda item: item[1].number)
        cls._fields = [(name, encode_varint(field.number << 3 | field.kind), field.write) for name, field in in_order]
        cls._by_number = {field.number: (name, field.kind, field.read) for name, field in in_order}
        cls._hidden = frozenset(name for name, field in in_order if field.hidden)
        cls._names = frozenset(found)
        for name, field in in_order:
            default = field.default
            setattr(cls, name, _Fresh(default, name) if default is list or default is dict else default)

    def __init__(self, **fields: object) -> None:
        if not self._names.issuperset(fields):
            unknown = sorted(set(fields) - self._names)
            raise TypeError(f"{type(self).__name__} has no field {', '.join(unknown)}")
        self.__dict__.update(fields)

    def encode(self) -> bytes:
        """Write the message.

        Raises:
            WireError: A string contains what UTF-8 cannot encode (a lone surrogate).
        """
        out: list[bytes] = []
        values = self.__dict__
        for name, tag, write in self._fields:
            value = values.get(name)
            if value or isinstance(value, (Message, _Present)):
                try:
                    write(out, tag, value)
                except UnicodeEncodeError:
                    raise WireError(f"{type(self).__name__}.{name} is not valid Unicode") from None
        return b"".join(out)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a message.

        Raises:
            WireError: `data` is malformed.
        """
        message = cls.__new__(cls)
        values = message.__dict__
        by_number = cls._by_number
        position, end = 0, len(data)
        while position < end:
            key, position = decode_varint(data, position)
            number, kind = key >> 3, key & 7
            if not number:
                raise WireError("a field has the number 0")
            if kind == START_GROUP:
                position = _skip_group(data, position, number)
                continue
            value, position = _read_value(data, position, kind)
            known = by_number.get(number)
            if known is None:
                continue
            name, expected, read = known
            if kind == expected:
                read(values, name, value)
        return message

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.encode() == other.encode()

    __hash__ = None  # type: ignore[assignment]  # messages can be changed

    def __repr__(self) -> str:
        shown = []
        for name, value in self.__dict__.items():
            if name in self._hidden:
                text_of = "…"
            elif isinstance(value, bytes):
                text_of = f"<{len(value)} bytes>"
            elif isinstance(value, list) and value and isinstance(value[0], bytes):
                text_of = f"<{len(value)} values>"
            else:
                text_of = repr(value)
            shown.append(f"{name}={text_of}")
        return f"{type(self).__name__}({', '.join(shown)})"


class _Present(bytes):
    """Bytes that are written even if empty: an encoded sub-message."""


Kind = TypeVar("Kind", bound=Message)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _write_number(out: list[bytes], tag: bytes, value: int) -> None:
    out.append(tag)
    out.append(encode_varint(value & _MASK))


def _write_bytes(out: list[bytes], tag: bytes, value: bytes) -> None:
    out += (tag, encode_varint(len(value)), value)


def _write_text(out: list[bytes], tag: bytes, value: str) -> None:
    _write_bytes(out, tag, value.encode())


def _write_message(out: list[bytes], tag: bytes, value: Message) -> None:
    _write_bytes(out, tag, value.encode())


def _each(write: Writer) -> Writer:
    def write_each(out: list[bytes], tag: bytes, value: list[object]) -> None:
        for item in value:
            write(out, tag, item)

    return write_each


def _write_map(write: Writer) -> Writer:
    def write_pairs(out: list[bytes], tag: bytes, value: dict[str, object]) -> None:
        for key, item in value.items():
            pair: list[bytes] = []
            _write_text(pair, b"\x0a", key)
            write(pair, b"\x12", item)
            _write_bytes(out, tag, b"".join(pair))

    return write_pairs


def _to_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _read_number(values: Values, name: str, value: int) -> None:
    values[name] = _signed(value)


def _read_flag(values: Values, name: str, value: int) -> None:
    values[name] = value != 0


def _read_as(convert: Callable[[bytes], object]) -> Reader:
    def read(values: Values, name: str, value: bytes) -> None:
        values[name] = convert(value)

    return read


def _read_each_as(convert: Callable[[bytes], object]) -> Reader:
    def read(values: Values, name: str, value: bytes) -> None:
        values.setdefault(name, []).append(convert(value))

    return read


class _Pair(Message):
    """An entry of a map, whatever the type of its value."""

    key: bytes = cast(bytes, Field(1, LENGTH, _write_bytes, _read_as(bytes), b""))
    value: bytes = cast(bytes, Field(2, LENGTH, _write_bytes, _read_as(bytes), b""))


def _read_map_of(convert: Callable[[bytes], object]) -> Reader:
    def read(values: Values, name: str, value: bytes) -> None:
        pair = _Pair.decode(value)
        values.setdefault(name, {})[_to_text(pair.key)] = convert(pair.value)

    return read


def text(number: int, *, hidden: bool = False) -> str:
    """Declare a string; `hidden` keeps it out of `repr`."""
    return cast(str, Field(number, LENGTH, _write_text, _read_as(_to_text), "", hidden))


def blob(number: int) -> bytes:
    """Declare bytes."""
    return cast(bytes, Field(number, LENGTH, _write_bytes, _read_as(bytes), b""))


def encoded(data: bytes) -> bytes:
    """Mark bytes as an encoded sub-message for a `blob`: it is present even if empty."""
    return _Present(data)


def number(number: int) -> int:
    """Declare an int32, int64, uint32 or enum."""
    return cast(int, Field(number, VARINT, _write_number, _read_number, 0))


def flag(number: int) -> bool:
    """Declare a bool."""
    return cast(bool, Field(number, VARINT, _write_number, _read_flag, default=False))


def one(number: int, kind: type[Kind]) -> Kind | None:
    """Declare a sub-message, or one alternative of a `oneof`."""
    return cast(Kind, Field(number, LENGTH, _write_message, _read_as(kind.decode), None))


def texts(number: int) -> list[str]:
    """Declare repeated strings."""
    return cast(list[str], Field(number, LENGTH, _each(_write_text), _read_each_as(_to_text), list))


def blobs(number: int) -> list[bytes]:
    """Declare repeated bytes."""
    return cast(list[bytes], Field(number, LENGTH, _each(_write_bytes), _read_each_as(bytes), list))


def many(number: int, kind: type[Kind]) -> list[Kind]:
    """Declare repeated sub-messages."""
    return cast(list[Kind], Field(number, LENGTH, _each(_write_message), _read_each_as(kind.decode), list))


def text_map(number: int, *, hidden: bool = False) -> dict[str, str]:
    """Declare a map from strings to strings; `hidden` keeps it out of `repr`."""
    write, read = _write_map(_write_text), _read_map_of(_to_text)
    return cast(dict[str, str], Field(number, LENGTH, write, read, dict, hidden))


def blob_map(number: int) -> dict[str, bytes]:
    """Declare a map from strings to bytes, which `repr` leaves out."""
    write, read = _write_map(_write_bytes), _read_map_of(bytes)
    return cast(dict[str, bytes], Field(number, LENGTH, write, read, dict, hidden=True))


def message_map(number: int, kind: type[Kind]) -> dict[str, Kind]:
    """Declare a map from strings to sub-messages."""
    write, read = _write_map(_write_message), _read_map_of(kind.decode)
    return cast(dict[str, Kind], Field(number, LENGTH, write, read, dict))
