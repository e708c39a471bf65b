"""Changes of the containers in a pod template: images, environment variables, resources."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from nbcontainer.clusters.discovery import Resource
from nbcontainer.clusters.workloads import Workload, check_dry_run, find_workloads
from nbcontainer.errors import Conflict, UsageError
from nbcontainer.json_objects import object_of, text_of
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.commands import environment_words

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

Container = dict[str, Any]
Edit = Callable[[list[Container]], None]
SOURCES = {"configmap": ("configmaps", "ConfigMap", "configMapKeyRef"), "secret": ("secrets", "Secret", "secretKeyRef")}
TRIES = 5  # if others change the object at the same time


def objects_and_pairs(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that name objects, and those after them that are NAME=VALUE, or NAME- for removal."""
    for index, word in enumerate(words):
        if "=" in word or (word.endswith("-") and index):
            return list(words[:index]), list(words[index:])
    return list(words), []


def set_images(cluster: Cluster, words: Sequence[str], *, selector: str, all: bool, dry_run: str) -> Changes:  # noqa: A002
    """Set containers' images: ("deploy/web", "web=img:2"); "*" is every container.

    Raises:
        UsageError: no image is given; or an object has no such container.
        NotFound: as for `find_workloads`.
    """
    objects, pairs = objects_and_pairs(words)
    images = dict(_pair(pair) for pair in pairs)
    if not images:
        raise UsageError("Which image?", cure="%kube set image deploy/web web=IMAGE")

    def edit(containers: list[Container]) -> None:
        for name, image in images.items():
            for container in _named(containers, name):
                container["image"] = image

    return _set(cluster, "image", objects, edit, pairs, selector=selector, all=all, dry_run=dry_run)


def set_environment(
    cluster: Cluster,
    words: Sequence[str],
    *,
    source: str,
    prefix: str,
    keys: Sequence[str],
    containers: str,
    overwrite: bool,
    selector: str,
    all: bool,  # noqa: A002 - kubectl's own flag
    dry_run: str,
) -> Changes:
    """Set containers' environment variables: ("deploy/web", "LOG=debug", "OLD-"), or all of a ConfigMap or Secret.

    Raises:
        UsageError: nothing is to be set; a variable exists, and may not be overwritten.
        NotFound: as for `find_workloads`; or there is no such ConfigMap or Secret.
    """
    objects, pairs = objects_and_pairs(words)
    gone = [pair[:-1] for pair in pairs if pair.endswith("-") and "=" not in pair]
    values = dict(_pair(pair) for pair in pairs if "=" in pair)
    entries: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in values.items()]
    entries += _from_source(cluster, source, prefix, keys) if source else []
    if not entries and not gone:
        raise UsageError("Which environment variable?", cure="%kube set env deploy/web LOG=debug")

    def edit(found: list[Container]) -> None:
        for container in _named(found, containers):
            env = [one for one in container.get("env", []) if one.get("name") not in gone]
            there = {one.get("name"): at for at, one in enumerate(env)}
            for entry in entries:
                name = entry["name"]
                if name in there and not overwrite:
                    raise UsageError(
                        f"{name} is already set in {container['name']}.",
                        cure="Remove it first, or leave out `--no-overwrite`.",
                    )
                if name in there:
                    env[there[name]] = entry
                else:
                    env.append(entry)
            container["env"] = env

    flags = [*environment_words("--env", values, inherits=False), *(f"{name}-" for name in gone)]
    flags += [f"--from={source}"] if source else []
    flags += [] if overwrite else ["--overwrite=false"]
    flags += [f"--prefix={prefix}"] if prefix else []
    flags += [f"--keys={','.join(keys)}"] if keys else []
    flags += [f"--containers={containers}"] if containers != "*" else []
    return _set(cluster, "env", objects, edit, flags, selector=selector, all=all, dry_run=dry_run)


def _from_source(cluster: Cluster, source: str, prefix: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    kind, _, name = source.partition("/")
    if kind.lower().rstrip("s") not in SOURCES or not name:
        raise UsageError(f"`--from` is configmap/NAME or secret/NAME, not {source!r}.")
    plural, known, reference = SOURCES[kind.lower().rstrip("s")]
    found = cluster.call("GET", Resource(plural, known).path(cluster.namespace, name))
    names = [key for key in object_of(found, "data") if not keys or key in keys]

    def variable(key: str) -> str:
        return prefix + "".join(letter if letter.isalnum() else "_" for letter in key).upper()

    return [{"name": variable(key), "valueFrom": {reference: {"key": key, "name": name}}} for key in sorted(names)]


def set_resources(
    cluster: Cluster,
    words: Sequence[str],
    *,
    limits: Mapping[str, str],
    requests: Mapping[str, str],
    containers: str,
    selector: str,
    all: bool,  # noqa: A002 - kubectl's own flag
    dry_run: str,
) -> Changes:
    """Set containers' limits and requests of resources.

    Raises:
        UsageError: neither is given.
        NotFound: as for `find_workloads`.
    """
    if not limits and not requests:
        raise UsageError("Which limits or requests?", cure="Such as --limits=cpu=200m,memory=512Mi.")

    def edit(found: list[Container]) -> None:
        for container in _named(found, containers):
            resources = container.setdefault("resources", {})
            for name, given in (("limits", limits), ("requests", requests)):
                if given:
                    resources[name] = {**resources.get(name, {}), **given}

    flags = [
        f"--{name}={','.join(f'{key}={value}' for key, value in given.items())}"
        for name, given in (("limits", limits), ("requests", requests))
        if given
    ]
    flags += [f"--containers={containers}"] if containers != "*" else []
    return _set(cluster, "resources", list(words), edit, flags, selector=selector, all=all, dry_run=dry_run)


def _pair(pair: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals or not name:
        raise UsageError(f"{pair!r} is not NAME=VALUE.")
    return name, value


def _named(containers: Sequence[Container], pattern: str) -> list[Container]:
    found = [one for one in containers if fnmatchcase(str(one.get("name")), pattern)]
    if not found:
        known = ", ".join(str(one.get("name")) for one in containers)
        raise UsageError(f"There is no container {pattern}.", cure=f"Containers: {known}.")
    return found


def _set(
    cluster: Cluster,
    verb: str,
    objects: Sequence[str],
    edit: Edit,
    flags: Sequence[str],
    *,
    selector: str,
    all: bool,  # noqa: A002 - kubectl's own flag
    dry_run: str,
) -> Changes:
    check_dry_run(dry_run)
    found = find_workloads(cluster, objects, selector=selector, all=all)
    more = [*flags, *([f"--dry-run={dry_run}"] if dry_run else [])]
    command = cluster.commands.kubectl("set", verb, *(workload.words for workload in found), *more)

    async def all_of_them() -> list[Change]:
        return [await _edit(workload, edit, verb, command, dry_run) for workload in found]

    return Changes(cluster.run(all_of_them()))


async def _edit(workload: Workload, edit: Edit, verb: str, command: str, dry_run: str) -> Change:
    """Change the containers of the object's present state; once more where others changed it meanwhile."""
    for tries_left in reversed(range(TRIES)):
        spec, way = _pod_spec(workload)
        containers = {
            name: copy.deepcopy(words) for name in ("initContainers", "containers") if (words := spec.get(name))
        }
        before = copy.deepcopy(containers)
        edit([one for each in reversed(containers.values()) for one in each])
        if containers == before:
            return workload.change("unchanged", command, dry_run=dry_run)
        body: dict[str, Any] = {name: each for name, each in containers.items() if each != before[name]}
        for key in reversed(way):
            body = {key: body}
        # a merge patch replaces the whole list, so it is only for this version of the object
        body["metadata"] = {"resourceVersion": text_of(workload.found, "metadata", "resourceVersion")}
        try:
            await workload.patch(body, dry_run=dry_run)
        except Conflict:
            if not tries_left:
                raise
            now = await workload.cluster.request("GET", workload.path)
            workload = Workload(workload.cluster, workload.resource, now)
            continue
        words = {"image": "image updated", "env": "env updated", "resources": "resource requirements updated"}
        return workload.change(words[verb], command, dry_run=dry_run)
    raise AssertionError  # the last try returns or raises


def _pod_spec(workload: Workload) -> tuple[dict[str, Any], tuple[str, ...]]:
    """An object's pod spec, and the keys that lead to it."""
    for way in (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"), ("spec",)):
        spec = object_of(workload.found, *way)
        if "containers" in spec:
            return dict(spec), way
    raise UsageError(f"{workload.title} has no containers.", cure="Name a workload, such as deploy/web.")
