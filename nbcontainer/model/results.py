"""Small results: a line or a few, each with a meaning."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TypeVar

from nbcontainer import kubernetes_yaml
from nbcontainer.drawn import Drawn
from nbcontainer.model.secrecy import Manifest, without_secrets
from nbcontainer.model.tables import Tone


class Described(ABC, Drawn):
    """An object that is drawn as its description, such as a volume.

    A class names it before its other bases; otherwise their `repr` would be shown.
    """

    name: str

    def __repr__(self) -> str:
        """Which object."""
        return f"{type(self).__name__}({self.name!r})"

    def __getstate__(self) -> dict[str, object]:
        """What is pickled and copied: a record: the facts, without the private handle, which has connections."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    @abstractmethod
    def description(self) -> Description:
        """All about it."""


@dataclass(frozen=True)
class Description(Described):
    """One object's description: sections of (name, value) in kubectl's order, and its events, newest last."""

    kind: str
    name: str
    namespace: str = ""
    where: str = ""
    sections: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    events: tuple[tuple[str, ...], ...] = ()
    command: str = ""
    manifest: Manifest = field(default_factory=dict, repr=False, metadata={"to_json": without_secrets})

    def __repr__(self) -> str:
        """Which object."""
        return f"Description({self.kind.lower()}/{self.name})"

    @property
    def yaml(self) -> str:
        """The object as YAML, without what only machines read, such as managed fields; "" if that is not known."""
        return kubernetes_yaml.writing.write_yaml(dict(self.manifest)) if self.manifest else ""

    def description(self) -> Description:
        """Itself."""
        return self


Object_co = TypeVar("Object_co", bound=Described, covariant=True)


class Objects(tuple[Object_co, ...], Drawn):
    """Several such objects, drawn one below the other."""

    __slots__ = ()

    @property
    def command(self) -> str:
        """The command that shows them: that of the first, with the names of the others of its kind."""
        groups = {(getattr(one, "kind", ""), getattr(one, "namespace", "")) for one in self}
        if len(groups) > 1:
            return " && ".join(getattr(one, "command", "") for one in self)
        first = "".join(getattr(one, "command", "") for one in self[:1])
        return " ".join(filter(None, [first, *(shlex.quote(one.name) for one in self[1:] if first)]))


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of a report: its tone, the words, and what to do next ("" for nothing).

    Attributes:
        link: the path of a file that the words lead to, from the notebook's folder, quoted as in a URL; or "".
    """

    text: str
    tone: Tone = Tone.GOOD
    cure: str = ""
    link: str = ""


@dataclass(frozen=True)
class Report(Drawn):
    """What a call reports that has no better object to return.

    Attributes:
        command: the same call as a docker or kubectl command, or "".
    """

    remarks: tuple[Remark, ...]
    command: str = ""

    def __repr__(self) -> str:
        """The lines, joined into one."""
        return f"Report({'; '.join(remark.text for remark in self.remarks)})"

    def __str__(self) -> str:
        """The lines."""
        return "\n".join(remark.text for remark in self.remarks)


@dataclass(frozen=True)
class NextCell(Drawn):
    """A cell that a magic writes below the current one, for the user to change and run.

    Attributes:
        source: its text.
        command: what does the same in a terminal.
    """

    source: str
    command: str = ""

    def __repr__(self) -> str:
        """Its first line."""
        return f"NextCell({self.source.partition(chr(10))[0]!r})"
