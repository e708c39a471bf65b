"""Every error that nbcontainer raises.

    NbcontainerError
    ├── UsageError              a magic or a call was given something invalid
    │   └── YamlError           a text is not valid YAML for Kubernetes; `line`, `problem`
    ├── DockerfileError         the Dockerfile is invalid; `problems` have the lines
    ├── Unsupported             this engine or cluster cannot do it
    ├── EngineUnavailable       no container engine answers
    ├── ClusterUnavailable      no Kubernetes API server answers
    ├── ApiError                an engine, registry or cluster refused; `status`, `reason`
    │   ├── NotFound
    │   ├── Forbidden
    │   ├── Conflict
    │   └── AuthFailed          a registry or cluster does not accept the credentials
    ├── BuildFailed             a build step failed; `step`, `lines`, `exit_code`, `output`
    ├── PushFailed              a push did not complete
    ├── PullFailed              a pull did not complete
    ├── CommandFailed           a command in a container exited with a non-zero code
    ├── Protected               the context is protected and the call does not name it
    ├── SerializationError      a value has no JSON form, or the JSON was not written by nbcontainer; `path`
    ├── InternalError           an unexpected error in a magic; `traceback` names the file with it
    └── Stopped                 the user, or the end of the kernel, stopped it

An error says what happened, where, and what to do next, in one or two lines. The facts are also attributes, which are
set only once. Raised by a magic, it prints only those lines (`_render_traceback_`); raised by the API, it is an
ordinary exception.

A text that names a flag or a magic's line has it in backquotes: "`%docker images` lists them.", "`--cpus` must be a
positive number." A magic shows it as it is; `str(error)` shows the equivalent in Python, since a script has no magics
(`verbs/wording.py`). The names are long: `--namespace`, as several verbs have a `-n`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable  # the codec reads the hints of the classes
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

__all__ = [
    "ApiError",
    "AuthFailed",
    "BuildFailed",
    "ClusterUnavailable",
    "CommandFailed",
    "Conflict",
    "DockerfileError",
    "Edit",
    "EngineUnavailable",
    "Fix",
    "Forbidden",
    "InsecureConnection",
    "InternalError",
    "LinesMissing",
    "NbcontainerError",
    "NotFound",
    "Problem",
    "Protected",
    "PullFailed",
    "PushFailed",
    "SerializationError",
    "Stopped",
    "Unsupported",
    "UsageError",
    "YamlError",
    "restored",
    "word_texts",
]


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of a text to replace by `text`; lines count from 1 and columns from 0, in characters, without the end."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What removes a problem: its title, such as "Write AS", and the edits to make together, in the text's order."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem in a text: where it is and what it is.

    `line` and `end_line` count from 1 in the user's own text; in a cell, the magic line is line 1. `line` is 0 if the
    problem is not about a line. `severity` is "error" or "warning". `source` is the name of the rule that found it,
    `link` the page that explains the rule. `fix` is None where there is no single obvious cure.
    """

    line: int
    message: str
    severity: str = "error"
    end_line: int = 0
    suggestion: str = ""
    source: str = ""
    link: str = ""
    fix: Fix | None = None

    def __str__(self) -> str:
        """Where and what it is, with the suggestion if there is one."""
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"line {self.line}: {self.message}{hint}" if self.line else f"{self.message}{hint}"


class NbcontainerError(Exception):
    """The base class of all errors of nbcontainer.

    Attributes:
        cure: what to do next, one line, or ""; magic lines are in backquotes.
    """

    message: str
    cure: str = ""
    _handle = "engine"  # what `--context` names in Python: `nbc.engine` or `nbc.cluster`

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse to change a fact: code that caught the error may still hold it, or have shown it."""
        if name in vars(self) and not name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__}.{name} cannot be changed: `replaced` returns a copy with other facts."
            )
        super().__setattr__(name, value)

    def keep_magics(self) -> None:
        """Show magic lines and flags as they are, since a magic raises this error."""
        self._is_of_magic = True

    def replaced(self, **facts: object) -> Self:
        """A copy of the error with other facts, such as `cure`."""
        other = copy.copy(self)
        vars(other).update(facts)
        return other

    def __str__(self) -> str:
        """The message, and below it the cure."""
        text = f"{self.message}\n{self.cure}" if self.cure else self.message
        return text if "_is_of_magic" in vars(self) else _in_python(text, self._handle)

    @property
    def remark(self) -> str:
        """Message and cure as one line, for a remark on something that continues."""
        return f"{self.message} {self.cure}".strip().replace("\n", " ")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by attributes: the default pickles an exception's `args`, which lack the keyword arguments."""
        facts = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return restored, (type(self), self.args, facts)


def _unchanged(text: str, _handle: str) -> str:
    return text


_in_python: Callable[[str, str], str] = _unchanged


def word_texts(words: Callable[[str, str], str]) -> None:
    """Make `str(error)` show `words(text, "engine" or "cluster")`, for all errors not raised by a magic."""
    global _in_python  # noqa: PLW0603 - this module imports nothing of ours, and `words` needs the verbs' declarations
    _in_python = words


def restored(kind: type[NbcontainerError], args: tuple[object, ...], facts: Mapping[str, object]) -> NbcontainerError:
    """The error with these attributes."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(facts)
    return error


class UsageError(NbcontainerError):
    """A magic's or a call's words are wrong: an unknown flag, a missing argument, an undefined `{{name}}`."""


class YamlError(UsageError):
    """A text is not YAML as Kubernetes reads it.

    Attributes:
        line: the line of the user's own text.
        problem: what is wrong there.
    """

    line: int
    problem: str

    def __init__(self, line: int, problem: str, *, cure: str = "") -> None:
        self.line, self.problem = line, problem
        super().__init__(f"line {line}: {problem}.", cure=cure)


class DockerfileError(NbcontainerError):
    """The Dockerfile is invalid.

    Attributes:
        problems: every problem that was found, in the order of the text.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Sequence[Problem], *, cure: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), cure=cure)

    @property
    def lines(self) -> tuple[int, ...]:
        """The first line of each problem."""
        return tuple(problem.line for problem in self.problems)


class Unsupported(NbcontainerError):
    """The engine or cluster in use does not support the operation."""

    what: str
    engine: str

    def __init__(self, what: str, engine: str, *, cure: str = "") -> None:
        self.what, self.engine = what, engine
        super().__init__(f"{engine} does not support {what}.", cure=cure)


class EngineUnavailable(NbcontainerError):
    """No container engine answers.

    Attributes:
        tried: each address that was tried, with what went wrong there.
    """

    tried: tuple[str, ...] = ()

    def __init__(self, message: str, *, tried: Sequence[str] = (), cure: str = "") -> None:
        self.tried = tuple(tried)
        super().__init__(message, cure=cure)


class ClusterUnavailable(NbcontainerError):
    """No Kubernetes API server answers for this context."""

    context: str = ""
    _handle = "cluster"

    def __init__(self, message: str, *, context: str = "", cure: str = "") -> None:
        self.context = context
        super().__init__(message, cure=cure)


class ApiError(NbcontainerError):
    """An engine, a registry or a cluster refused a call.

    Attributes:
        status: the HTTP status code, by default that of the error's class; 0 where there is none.
        reason: the server's own code for it ("NotFound", "denied" …), or "".
    """

    status: int = 0
    reason: str = ""

    def __init__(self, message: str, *, status: int | None = None, reason: str = "", cure: str = "") -> None:
        self.status, self.reason = type(self).status if status is None else status, reason
        super().__init__(message, cure=cure)


class NotFound(ApiError):
    """The named object does not exist."""

    status = 404


class Forbidden(ApiError):
    """The credentials are valid but do not allow this."""

    status = 403


class Conflict(ApiError):
    """The object already exists, is in use, or was changed by someone else."""

    status = 409


class AuthFailed(ApiError):
    """A registry or a cluster does not accept the credentials.

    Attributes:
        host: the registry's or API server's name.
    """

    host: str

    def __init__(self, message: str, *, host: str, status: int = 401, reason: str = "", cure: str = "") -> None:
        self.host = host
        super().__init__(message, status=status, reason=reason, cure=cure)


class BuildFailed(NbcontainerError):
    """A build failed.

    Attributes:
        step: the failed build step's name, such as "[build 3/4] RUN go build", or "".
        lines: (first, last) line of the failing instruction in the user's own text, or None.
        exit_code: the failed command's exit code, or None if no command ran.
        output: the last lines of the failed step's output.
        output_lines: how many lines that output has in total.
        spool: the path of the file with the full output of the build, or "".
        command: the build as a docker command.
    """

    step: str = ""
    lines: tuple[int, int] | None = None
    exit_code: int | None = None
    output: str = ""
    output_lines: int = 0
    spool: str = ""
    command: str = ""

    def __init__(
        self,
        message: str,
        *,
        step: str = "",
        lines: tuple[int, int] | None = None,
        exit_code: int | None = None,
        output: str = "",
        cure: str = "",
    ) -> None:
        self.step, self.lines, self.exit_code, self.output = step, lines, exit_code, output
        self.output_lines, self.spool, self.command = output.count("\n") + 1 if output else 0, "", ""
        super().__init__(message, cure=cure)


class _TransferFailed(NbcontainerError):
    """A transfer of an image did not complete.

    Attributes:
        image: the image's name.
        host: the registry's name.
    """

    image: str
    host: str = ""

    def __init__(self, message: str, *, image: str, host: str = "", cure: str = "") -> None:
        self.image, self.host = image, host
        super().__init__(message, cure=cure)


class PushFailed(_TransferFailed):
    """A push did not complete; `image` and `host` are the names of image and registry."""


class PullFailed(_TransferFailed):
    """A pull did not complete; `image` and `host` are the names of image and registry."""


class CommandFailed(NbcontainerError):
    """A command in a container exited with a non-zero code."""

    exit_code: int
    output: str = ""

    def __init__(self, message: str, *, exit_code: int, output: str = "", cure: str = "") -> None:
        self.exit_code, self.output = exit_code, output
        super().__init__(message, cure=cure)


class LinesMissing(NbcontainerError):
    """Lines of a log are neither in its file, which was removed or is incomplete, nor in memory.

    Attributes:
        first: the number of the first of them, counted from 0.
        count: how many they are.
    """

    first: int
    count: int

    def __init__(self, message: str, *, first: int, count: int, cure: str = "") -> None:
        self.first, self.count = first, count
        super().__init__(message, cure=cure)


class Protected(NbcontainerError):
    """The context matches `protected_contexts`, and the call that would change it does not name it.

    Attributes:
        context: its name.
        kind: what it is the context of: "engine", "buildkitd" or "cluster".
    """

    context: str
    kind: str = "engine"

    def __init__(self, message: str, *, context: str, kind: str = "engine", cure: str = "") -> None:
        self.context, self.kind = context, kind
        super().__init__(message, cure=cure)

    @property
    def _handle(self) -> str:  # type: ignore[override]
        return "cluster" if self.kind == "cluster" else "engine"


class SerializationError(NbcontainerError):
    """A value cannot be written as JSON, or a JSON document was not written by nbcontainer.

    Attributes:
        path: where the problem is, such as "StepOutput.lines[3]", or "" if it is the whole value.
    """

    path: str = ""

    def __init__(self, message: str, *, path: str = "", cure: str = "") -> None:
        self.path = path
        super().__init__(message, cure=cure)


class InternalError(NbcontainerError):
    """An unexpected error in a magic.

    Attributes:
        traceback: the path of the file with Python's traceback, without values; "" if it could not be written.
    """

    traceback: str = ""

    def __init__(self, message: str, *, traceback: str = "", cure: str = "") -> None:
        self.traceback = traceback
        super().__init__(message, cure=cure)


class Stopped(NbcontainerError):
    """The user, or the end of the kernel, stopped it."""


class InsecureConnection(UserWarning):
    """A warning: the certificate of a server is not checked."""
