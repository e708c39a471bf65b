"""A build as the words of `docker build`, for its result's command."""

from __future__ import annotations

from collections.abc import Iterable

from nbcontainer.model.build import BuildRequest
from nbcontainer.model.commands import pairs
from nbcontainer.model.secrecy import Secret


def build_words(request: BuildRequest) -> list[str]:
    """The words of the `docker build` that does the same with the Dockerfile's text as its standard input.

    Values of build arguments and secrets are left out, and so are files that exist only in memory.
    """
    words = ["build", *(["-f-"] if request.context else [])]
    for flag, value in (
        ("--target", request.target),
        ("--platform", request.platform),
        ("--network", request.network),
        ("--shm-size", request.shm_size),
        ("--cgroup-parent", request.cgroup_parent),
        ("--builder", request.builder),
    ):
        words += [f"{flag}={value}"] * bool(value)
    for flag, given in (("--no-cache", request.no_cache), ("--pull", request.pull), ("--push", request.push)):
        words += [flag] * given
    words += _repeated("--tag", request.tags)
    words += _repeated("--build-arg", request.build_args)
    words += pairs("--label", request.labels)
    words += pairs("--annotation", request.annotations)
    words += pairs("--build-context", request.build_contexts)
    words += pairs("--ssh", request.ssh)
    words += _repeated("--secret", map(_secret, request.secrets))
    words += _repeated("--output", request.outputs)
    words += _repeated("--allow", request.allow)
    words += _repeated("--no-cache-filter", request.no_cache_filter)
    words += _repeated("--add-host", request.add_hosts)
    words += _repeated("--ulimit", request.ulimits)
    words += _repeated("--cache-from", request.cache_from)
    return [*words, request.context or "-"]  # the text alone, without a context


def _repeated(flag: str, values: Iterable[str]) -> list[str]:
    return [f"{flag}={value}" for value in values]


def _secret(secret: Secret) -> str:
    """Where its value comes from; where that is missing, docker looks for a variable of its name."""
    kind, _, source = secret.origin.partition(" ")
    place = {"env": "env", "file": "src"}.get(kind)
    return f"id={secret.id},{place}={source}" if place and source else f"id={secret.id}"
