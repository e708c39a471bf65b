"""What can be done with workloads: scaling, rollouts, and other images or values in their pods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.nouns import ClusterNoun
from nbcontainer.errors import UsageError
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.requests import refuse_negative
from nbcontainer.model.rollout import Rollouts, RolloutStep
from nbcontainer.operation import Operation
from nbcontainer.protection import changes, changes_unless, reads

if TYPE_CHECKING:
    from nbcontainer.clusters.patching import Target
    from nbcontainer.model.results import Description
    from nbcontainer.model.tables import Table


class Rollout(ClusterNoun):
    """The rollouts of workloads: Deployments, DaemonSets and StatefulSets."""

    kind = "rollout"

    @reads
    def status(
        self, kind: str, *names: str, selector: str = "", timeout: float = 0.0
    ) -> Operation[RolloutStep, Rollouts, Changes]:
        """Wait until workloads are rolled out: `nbc.cluster().rollout.status("deploy/web").result()`.

        The state of the operation says which pods are not ready, and why. A stop ends only the wait.

        Args:
            kind: the workloads' kind, or one of them: "deploy/web".
            *names: their names, unless `kind` has it.
            selector: of the workloads with these labels, instead of names.
            timeout: seconds after which it fails; 0 for never.

        Raises (also from `result()`):
            NotFound: a workload does not exist.
            ApiError: a rollout has failed, or took too long.
            Unsupported: the kind has no rollouts; or there is only Podman.
        """
        refuse_negative(timeout=timeout)
        cluster = self._cluster.connect_to_cluster("rollouts")
        found = clusters.patching.targets(cluster, (kind, *names), selector=selector)
        rollouts = clusters.rollouts
        return rollouts.wait(cluster, found, rollouts.status_of, verb="rolled out", timeout=timeout)

    @reads
    def history(self, kind: str, name: str = "", *, revision: int = 0) -> Table | Description:
        """The revisions of a workload that can be gone back to, newest last; or the pods of one revision.

        Args:
            kind: the workload's kind, or "deploy/web".
            name: its name, unless `kind` has it.
            revision: the number of the revision whose pods are described; 0 for the table of all.

        Raises:
            NotFound: there is no such workload, or no such revision.
            Unsupported: the kind has no rollouts; or there is only Podman.
        """
        cluster = self._cluster.connect_to_cluster("rollouts")
        target = clusters.patching.one_target(cluster, (kind, name) if name else (kind,))

        async def read() -> Table | Description:
            history = clusters.rollout_history
            found = await history.revisions(target, await target.get())
            return history.describe(target, found, revision) if revision else history.history(target, found)

        refuse_negative(revision=revision)
        return cluster.run(read())

    @changes_unless("dry_run")
    def undo(self, kind: str, *names: str, selector: str = "", to_revision: int = 0, dry_run: bool = False) -> Changes:
        """Go back to an earlier revision.

        Args:
            kind: the workloads' kind, or one of them: "deploy/web".
            *names: their names, unless `kind` has it.
            selector: of the workloads with these labels, instead of names.
            to_revision: the number of the revision; 0 for the one before.
            dry_run: only show what would be changed.

        Raises:
            NotFound: there is no such workload, or no such revision.
            Conflict: the rollout is paused.
        """
        refuse_negative(to_revision=to_revision)
        words = [f"--to-revision={to_revision}"] if to_revision else []

        def one(target: Target) -> Coroutine[object, object, Change]:
            command = target.command("rollout undo", *words, *_dry(dry_run))
            return clusters.rollout_history.undo(target, to_revision=to_revision, dry_run=dry_run, command=command)

        return _each(self._cluster, (kind, *names), one, selector=selector)

    @changes
    def restart(self, kind: str, *names: str, selector: str = "") -> Changes:
        """Replace all pods of workloads, a few at a time.

        Args:
            kind: the workloads' kind, or one of them: "deploy/web".
            *names: their names, unless `kind` has it.
            selector: of the workloads with these labels, instead of names.

        Raises:
            NotFound: there is no such workload.
            Conflict: a rollout is paused.
            Unsupported: the kind has no rollouts; or there is only Podman.
        """
        return _each(
            self._cluster,
            (kind, *names),
            lambda target: clusters.rollouts.restart(target, target.command("rollout restart")),
            selector=selector,
        )

    @changes
    def pause(self, kind: str, *names: str, selector: str = "") -> Changes:
        """Hold back rollouts of Deployments: changes have no effect until `resume`.

        Args:
            kind: "deployment", or one of them: "deploy/web".
            *names: their names, unless `kind` has it.
            selector: of the Deployments with these labels, instead of names.

        Raises:
            NotFound: there is no such Deployment.
            Conflict: it is paused already.
            Unsupported: it is no Deployment; or there is only Podman.
        """
        return _each(
            self._cluster,
            (kind, *names),
            lambda target: clusters.rollouts.pause(target, paused=True, command=target.command("rollout pause")),
            selector=selector,
        )

    @changes
    def resume(self, kind: str, *names: str, selector: str = "") -> Changes:
        """Let paused rollouts go on; takes the arguments of `pause`, and raises the same errors.

        Args:
            kind: "deployment", or one of them: "deploy/web".
            *names: their names, unless `kind` has it.
            selector: of the Deployments with these labels, instead of names.

        Raises:
            Conflict: it is not paused.
        """
        return _each(
            self._cluster,
            (kind, *names),
            lambda target: clusters.rollouts.pause(target, paused=False, command=target.command("rollout resume")),
            selector=selector,
        )


class PodTemplate(ClusterNoun):
    """What is set in the pods that workloads make: `nbc.cluster().pod_template.image("deploy/web", "web=web:2")`."""

    kind = "pod-template"

    @changes_unless("dry_run")
    def image(self, kind: str, *names: str, dry_run: bool = False) -> Changes:
        """Give containers other images, which starts a rollout.

        Args:
            kind: the workloads' kind, or one of them: "deploy/web".
            *names: their names, unless `kind` has it; then CONTAINER=IMAGE for each container, or "*=IMAGE".
            dry_run: only show what would be changed.

        Raises:
            UsageError: no image is given.
            NotFound: there is no such workload or container.
        """
        words, images = _values((kind, *names), "CONTAINER=IMAGE")

        def one(target: Target) -> Coroutine[object, object, Change]:
            command = target.command("set image", *_written(images), *_dry(dry_run))
            return clusters.pod_template.set_images(
                target, {name: image or "" for name, image in images.items()}, dry_run=dry_run, command=command
            )

        return _each(self._cluster, words, one)

    @changes_unless("dry_run", "list")
    def env(
        self,
        kind: str,
        *names: str,
        container: str = "*",
        list: bool = False,  # noqa: A002 - kubectl's own flag
        dry_run: bool = False,
    ) -> Changes | Table:
        """Set environment variables of containers, which starts a rollout; or list them.

        Args:
            kind: the workloads' kind, or one of them: "deploy/web".
            *names: their names, unless `kind` has it; then KEY=VALUE for each variable, KEY- to remove it.
            container: only of this container.
            list: list the variables, and change nothing. What comes from a Secret or a ConfigMap is not looked up.
            dry_run: only show what would be changed.

        Raises:
            UsageError: no variable is given, or one with `list`.
            NotFound: there is no such workload or container.
        """
        if list:
            cluster = self._cluster.connect_to_cluster("workloads")
            found = clusters.patching.targets(cluster, (kind, *names))
            return cluster.run(clusters.pod_template.list_environment(found, container=container))
        words, values = _values((kind, *names), "KEY=VALUE")

        def one(target: Target) -> Coroutine[object, object, Change]:
            command = target.command("set env", *_written(values), *_of(container), *_dry(dry_run))
            return clusters.pod_template.set_environment(
                target, values, container=container, dry_run=dry_run, command=command
            )

        return _each(self._cluster, words, one)

    @changes_unless("dry_run")
    def resources(
        self,
        kind: str,
        *names: str,
        limits: Mapping[str, str] = {},
        requests: Mapping[str, str] = {},
        container: str = "*",
        dry_run: bool = False,
    ) -> Changes:
        """Say how much CPU and memory containers may use, which starts a rollout.

        Args:
            kind: the workloads' kind, or one of them: "deploy/web".
            *names: their names, unless `kind` has it.
            limits: the most that a container may use: {"cpu": "500m", "memory": "128Mi"}; "0" removes a limit.
            requests: what is reserved for it; "0" likewise.
            container: only of this container.
            dry_run: only show what would be changed.

        Raises:
            UsageError: neither limits nor requests are given.
            NotFound: there is no such workload or container.
            ApiError: a quantity is not valid.
        """
        if not limits and not requests:
            raise UsageError(
                "Which resources?", cure="Such as `--limits cpu=500m,memory=128Mi` or `--requests cpu=100m`."
            )
        given = {"limits": limits, "requests": requests}
        more = [f"--{part}={','.join(_written(values))}" for part, values in given.items() if values]

        def one(target: Target) -> Coroutine[object, object, Change]:
            command = target.command("set resources", *more, *_of(container), *_dry(dry_run))
            return clusters.pod_template.set_resources(
                target, limits, requests, container=container, dry_run=dry_run, command=command
            )

        return _each(self._cluster, (kind, *names), one)


class WorkloadVerbs(ClusterHandle):
    """The verbs of a cluster's workloads."""

    rollout = cached_property(Rollout)
    pod_template = cached_property(PodTemplate)

    @changes
    def scale(
        self,
        kind: str,
        *names: str,
        replicas: int,
        current_replicas: int | None = None,
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        wait: bool = True,
        timeout: float = 0.0,
    ) -> Changes | Operation[RolloutStep, Rollouts, Changes]:
        """Say how many pods workloads are to have: `nbc.cluster().scale("deploy/web", replicas=3).result()`.

        Args:
            kind: the workloads' kind, or one of them: "deploy/web".
            *names: their names, unless `kind` has it.
            replicas: how many pods.
            current_replicas: change nothing unless there are to be so many now; None for any number.
            selector: of the workloads with these labels, instead of names.
            all: of all workloads of the kind in the namespace.
            wait: whether to wait until so many pods are ready; a stop ends only the wait. Custom resources do not
                say how many are, and are not waited for.
            timeout: seconds after which it fails if they are not; 0 for never.

        Raises (also from `result()`):
            NotFound: a workload does not exist.
            Conflict: there are not `current_replicas`.
            Unsupported: objects of this kind cannot be scaled; or there is only Podman.
            ApiError: the pods were not ready in time.
        """
        refuse_negative(replicas=replicas, current_replicas=current_replicas, timeout=timeout)
        words = [f"--replicas={replicas}"]
        words += [] if current_replicas is None else [f"--current-replicas={current_replicas}"]

        def one(target: Target) -> Coroutine[object, object, Change]:
            command = target.command("scale", *words)
            return clusters.rollouts.scale(target, replicas, current=current_replicas, command=command)

        cluster = self.connect_to_cluster("`scale`")
        found = clusters.patching.targets(cluster, (kind, *names), selector=selector, all=all)
        done = _run_each(found, one)
        rollouts = clusters.rollouts
        counted = [target for target in found if target.resource.kind in rollouts.COUNTING_READY]
        if not wait or not counted:
            return done
        return rollouts.wait(cluster, counted, rollouts.scaled(replicas), verb="scaled", timeout=timeout, done=done)


def _each(
    handle: ClusterHandle,
    words: Sequence[str],
    change: Callable[[Target], Coroutine[object, object, Change]],
    *,
    selector: str = "",
) -> Changes:
    """Change each of the workloads that the words name."""
    cluster = handle.connect_to_cluster("workloads")
    return _run_each(clusters.patching.targets(cluster, words, selector=selector), change)


def _run_each(targets: Sequence[Target], change: Callable[[Target], Coroutine[object, object, Change]]) -> Changes:
    async def run() -> list[Change]:
        return list(await asyncio.gather(*(change(target) for target in targets)))

    return Changes(targets[0].cluster.run(run()))


def _values(words: Sequence[str], form: str) -> tuple[list[str], dict[str, str | None]]:
    """The words that name workloads, and the values."""
    named, values = clusters.patching.pairs_of(words)
    if not named or not values:
        raise UsageError(f"Give workloads, and then {form}.", cure=f"Such as deploy/web {form}.")
    return named, values


def _written(values: Mapping[str, str | None]) -> list[str]:
    return [f"{name}-" if value is None else f"{name}={value}" for name, value in values.items()]


def _of(container: str) -> list[str]:
    return [f"--containers={container}"] if container not in {"", "*"} else []


def _dry(dry_run: bool) -> list[str]:  # noqa: FBT001 - one of a call's own flags
    return ["--dry-run=server"] if dry_run else []
