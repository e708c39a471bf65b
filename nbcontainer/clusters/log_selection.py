"""Which pods a log request means: by name, by workload or Service, by label, or by a /regex/ over their names."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.clusters.discovery import POD, Resource, field_selector_of, find_resource
from nbcontainer.clusters.label_selectors import selector_text
from nbcontainer.clusters.log_sources import chosen_containers, container_names
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.ownership import owned
from nbcontainer.clusters.reflector import list_all
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.logs import LogRequest

Pod = JsonObject
_POD_WORDS = (POD.plural, POD.singular, *POD.short_names)
_OF_A_JOB = "batch.kubernetes.io/job-name"


@dataclass(frozen=True)
class Selection:
    """Pods that are meant together; others may join them, except where it is one pod by its name.

    Attributes:
        name: the pod's, or "".
        label_selector, field_selector: as the API takes them.
        pattern: which names are meant, None for all.
        jobs: which Jobs' pods are meant, by the Jobs' names; None for all pods.
        words: whose pods these are, for messages: "with app=web".
    """

    name: str = ""
    label_selector: str = ""
    field_selector: str = ""
    pattern: re.Pattern[str] | None = None
    jobs: re.Pattern[str] | None = None
    words: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query that lists and watches them."""
        fields = field_selector_of(self.name) if self.name else self.field_selector
        given = {"labelSelector": self.label_selector, "fieldSelector": fields}
        return {key: value for key, value in given.items() if value}

    def has(self, pod: Pod) -> bool:
        """Whether a pod that this query found is meant."""
        if self.pattern is not None and not self.pattern.search(text_of(pod, "metadata", "name")):
            return False
        return self.jobs is None or any(
            text_of(owner, "kind") == "Job" and self.jobs.fullmatch(text_of(owner, "name"))
            for owner in entries_of(pod, "metadata", "ownerReferences")
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request means.

    Attributes:
        pods: the pods that were named.
        selections: all that is meant, with one for each of these pods.
        failures: an error for each part of the request that does not exist.
    """

    pods: tuple[Pod, ...]
    selections: tuple[Selection, ...]
    failures: tuple[NotFound, ...] = field(default=())

    @property
    def missing(self) -> tuple[str, ...]:
        """Which part of the request does not exist, in words."""
        return tuple(one.remark for one in self.failures)

    @property
    def words(self) -> str:
        """Whose pods these are, for messages."""
        return ", ".join(filter(None, (one.words for one in self.selections)))

    @property
    def are_several(self) -> bool:
        """Whether this may be more than one pod."""
        return len(self.selections) > 1 or not all(one.name for one in self.selections)


async def resolve(cluster: Cluster, request: LogRequest) -> Wanted:
    """Turn a request's names ("web", "pod/web", "deploy/web", "/web-.*/") and selector into pods.

    All names are looked up first.

    Raises:
        UsageError: it names nothing, a kind that has no pods, or a regular expression that is not valid.
        NotFound: none of the names exists, with suggestions; if only some do not, `missing` lists them.
    """
    if not request.names and not request.selector and not request.all_namespaces:
        raise UsageError("Whose logs?", cure="Name a pod, a deployment (deploy/NAME), or give a selector.")
    words = tuple(dict.fromkeys(request.names))
    found = await asyncio.gather(*(_look_up(cluster, request, word) for word in words))
    pods = {text_of(one, "metadata", "uid"): one for one in found if isinstance(one, dict)}
    selections = [Selection(text_of(pod, "metadata", "name")) for pod in pods.values()]
    selections += [one for one in found if isinstance(one, Selection)]
    if request.selector:
        selections.insert(0, Selection(label_selector=request.selector, words=f"with {request.selector}"))
    elif not words:
        selections.append(Selection())
    missing = [one for one in found if isinstance(one, NotFound)]
    unknown = [word for word, one in zip(words, found, strict=True) if one is None]
    if unknown:
        missing.insert(0, await not_found_soon(cluster, [word.rpartition("/")[2] for word in unknown]))
    if missing and not selections:
        raise missing[0]
    return Wanted(tuple(pods.values()), tuple(dict.fromkeys(selections)), tuple(missing))


async def _look_up(cluster: Cluster, request: LogRequest, word: str) -> Pod | Selection | NotFound | None:
    """The pod or the pods that a word means; if it does not exist, an error, or None for a pod."""
    if len(word) > 1 and word.startswith("/") and word.endswith("/"):
        return Selection(pattern=_pattern(word[1:-1]), words=f"whose name matches {word}")
    kind, _, name = word.rpartition("/")
    pod = kind in {"", *_POD_WORDS}
    resource = POD if pod else await find_resource(cluster, kind)
    if request.all_namespaces:
        raise UsageError(
            f"With `--all-namespaces`, {word} may be several.",
            cure="Name its namespace, or give a /regex/ or a selector.",
        )
    try:
        found: Pod = await cluster.request("GET", resource.path(cluster.namespace, name))
    except NotFound:
        return None if pod else await not_found_soon(cluster, (name,), resource)
    if pod:
        return _without_container(found, request) or found
    if (resource.group, resource.kind) == ("batch", "CronJob"):
        return await _of_cron_job(cluster, found, resource, word)
    selector = _selector_of(found, resource)
    return Selection(label_selector=selector, words=f"with {selector}")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"/{text}/ is not a valid regular expression: {error}.") from None


async def _of_cron_job(cluster: Cluster, cron_job: JsonObject, resource: Resource, word: str) -> Selection:
    """The pods of a CronJob's Jobs, those that exist and those that it will create: NAME-28935720."""
    uid, jobs = text_of(cron_job, "metadata", "uid"), Resource("jobs", "Job", resource.group, resource.version)
    names = [
        text_of(job, "metadata", "name")
        for page in await list_all(cluster, jobs.path(cluster.namespace), {})
        for job in owned(entries_of(page, "items"), {uid})
    ]
    scheduled = rf"{re.escape(text_of(cron_job, 'metadata', 'name'))}-\d+"
    pattern = re.compile("|".join([scheduled, *map(re.escape, names)]))
    return Selection(label_selector=_OF_A_JOB, jobs=pattern, words=f"of {word}")


def _without_container(pod: Pod, request: LogRequest) -> NotFound | None:
    """The error for a pod without the requested container."""
    if not request.container or chosen_containers(pod, request):
        return None
    cure = f"It has: {', '.join(container_names(pod))}."
    return existence.not_found("container", request.container, f"the pod {text_of(pod, 'metadata', 'name')}", cure=cure)


def _selector_of(owner: Pod, resource: Resource) -> str:
    selector = selector_text(object_of(owner, "spec", "selector"))
    if not selector:
        raise UsageError(f"A {resource.kind} has no pods whose logs could be shown.")
    return selector
