"""What was done, as a command for a terminal: the one place that writes docker, podman and kubectl commands.

A pasted command reaches the same engine or cluster whatever the terminal's own context, DOCKER_HOST, DOCKER_CONFIG or
KUBECONFIG: it always names the place, and for a context also the file that defines it. The value of an
environment variable that may be secret is left to the shell's environment; `magics/written.py` does the same for the
values of a magic's line.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nbcontainer.model.secrecy import is_secret


class Expanded(str):
    """A word in which the shell expands its own variables: it is put in double quotes."""

    __slots__ = ()


def joined(words: Iterable[str]) -> str:
    """One line that a shell splits into these words again."""
    return " ".join(f'"{word}"' if isinstance(word, Expanded) else shlex.quote(word) for word in words)


def _quoted(*words: str) -> str:
    return f"`{joined(words)}`"


@dataclass(frozen=True, slots=True)
class EngineCommands:
    """The commands that reach one engine.

    Attributes:
        context: the docker context that names the engine, or "".
        address: as DOCKER_HOST would have it.
        is_podman: whether podman's own client reaches it.
        configuration: the folder of docker's configuration; "" for ~/.docker where it need not be named.
        tls: the flags with the address's TLS files.
        called: how a `%docker` line must name the engine: a context, an address or "podman"; "" for the one in use.
    """

    context: str = ""
    address: str = ""
    is_podman: bool = False
    configuration: str = ""
    tls: tuple[str, ...] = ()
    called: str = ""

    def magic(self, *words: str) -> str:
        """A `%docker` line for this engine, in backquotes, as cures have it."""
        return _quoted("%docker", *words, *self._named)

    def pods(self, *words: str) -> str:
        """A `%kpod` line for Podman's pods on this engine, in backquotes."""
        return _quoted("%kpod", *words, *self._named)

    @property
    def _named(self) -> list[str]:
        return [f"--context={self.called}"] if self.called else []

    def command(self, *words: str) -> str:
        """A command that docker and podman both have, for the client of this engine."""
        return self.podman(*words) if self.is_podman else self.docker(*words)

    def podman(self, *words: str) -> str:
        """A command that podman alone has."""
        return joined(["podman", "--url", self.address, *words])

    def docker(self, *words: str) -> str:
        """A command of docker's client, whatever the engine is."""
        place: tuple[str, ...] = ()
        if self.context:
            place = ("--context", self.context)
        elif self.address:
            place = (*self.tls, "-H", self.address)
        config = ("--config", self.configuration) if self.configuration else ()
        return joined(["docker", *place, *config, *words])


@dataclass(frozen=True, slots=True)
class ClusterCommands:
    """The commands that reach one cluster, and a namespace in it.

    Attributes:
        context: the kubeconfig's context; "" for a pod's own service account.
        namespace: the namespace.
        kubeconfig: the file with the context, or several as in KUBECONFIG; an empty file where kubectl must use the
            service account.
        called: the context that a `%kpod` line must name; "" for the one in use.
        acting: the flags with the user that a call impersonates.
    """

    context: str = ""
    namespace: str = ""
    kubeconfig: str = ""
    called: str = ""
    acting: tuple[str, ...] = ()

    def magic(self, *words: str, namespace: str = "") -> str:
        """A `%kpod` line for this cluster, in its own namespace or in another, in backquotes."""
        return self._line("%kpod", words, namespace or self.namespace)

    def kube(self, *words: str, namespace: str | None = None) -> str:
        """A `%kube` line, likewise; with "" without a namespace."""
        return self._line("%kube", words, self.namespace if namespace is None else namespace)

    def _line(self, magic: str, words: tuple[str, ...], space: str) -> str:
        place = [*(["-n", space] if space else []), *([f"--context={self.called}"] if self.called else [])]
        return _quoted(magic, *words, *place, *self.acting)

    def kubectl(self, *words: str, namespace: str | None = None) -> str:
        """A kubectl command.

        Args:
            *words: the verb and what follows it.
            namespace: in place of its own; "" for a command without a namespace, or for all of them.
        """
        space = self.namespace if namespace is None else namespace
        several = os.pathsep in self.kubeconfig  # --kubeconfig takes one file, KUBECONFIG several
        file = ("--kubeconfig", self.kubeconfig) if self.kubeconfig and not several else ()
        context = ("--context", self.context) if self.context else ()
        line = joined(["kubectl", *context, *(("-n", space) if space else ()), *file, *self.acting, *words])
        return f"KUBECONFIG={shlex.quote(self.kubeconfig)} {line}" if several else line


ENGINE_IN_USE, CLUSTER_IN_USE = EngineCommands(), ClusterCommands()


def pairs(flag: str, given: Mapping[str, str]) -> list[str]:
    """A flag for each NAME=VALUE."""
    return [f"{flag}={name}={value}" for name, value in given.items()]


def environment_words(flag: str, given: Mapping[str, str | None], *, inherits: bool = True) -> list[str]:
    """A flag for each environment variable, without values that may be secret or that our own environment has too.

    Args:
        flag: "--env".
        given: the variables.
        inherits: whether a bare name means the shell's own value, as in docker but not in kubectl.
    """
    words: list[str] = []
    for name, value in given.items():
        if value is None:  # the shell has no such variable either
            words += [flag, name]
            continue
        word = f"{name}={value}"
        if is_secret(name, value) or os.environ.get(name) == value:
            word = name if inherits else Expanded(f"{name}=${name}") if name.isidentifier() else f"{name}=…"
        words += [flag, word]
    return words
