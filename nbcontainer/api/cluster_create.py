"""Creating objects by a few words, as `kubectl create` does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Unpack

from nbcontainer import clusters, model
from nbcontainer.api.cluster_create_access import CreateAccess
from nbcontainer.api.cluster_create_data import CreateData
from nbcontainer.api.cluster_create_policies import CreatePolicies
from nbcontainer.api.cluster_create_services import CreateServices
from nbcontainer.api.cluster_creator import Preview, creates
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.errors import UsageError
from nbcontainer.model.changes import Change
from nbcontainer.model.manifests import Manifests
from nbcontainer.model.requests import command_words, refuse_negative


class Create(CreateAccess, CreateData, CreatePolicies, CreateServices):
    """Creating objects by a few words: `nbc.cluster().create.deployment("web", ["web:1"], replicas=2)`.

    Each takes `dry_run`, "client" or "server": only show what would be created; and `output`: "yaml" for the manifest
    in place of the change. Each raises `Conflict` if the object exists already.
    """

    @creates
    def deployment(
        self,
        name: str,
        images: Sequence[str],
        *,
        command: Sequence[str] | str = (),
        replicas: int = 1,
        port: int | None = None,
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Deployment with a container for each image.

        Args:
            name: its name.
            images: the containers' images.
            command: what the only container runs instead of its image's own command.
            replicas: how many pods.
            port: a port of the first container.
            **how: `dry_run` and `output`, as in the class.
        """
        refuse_negative(replicas=replicas)
        command = command_words(command)
        made = model.created.deployment(name, images, command, replicas=replicas, port=port)
        words = ["deployment", name, *(f"--image={image}" for image in images)]
        words += [f"--replicas={replicas}"] if replicas != 1 else []
        words += [f"--port={port}"] if port is not None else []
        return self._create(made, ["create", *words], command, **how)

    @creates
    def job(
        self,
        name: str,
        *,
        image: str = "",
        source: str = "",
        command: Sequence[str] | str = (),
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a Job, from an image or from a CronJob, which it runs now.

        Args:
            name: its name.
            image: its container's image.
            source: "cronjob/NAME", in place of an image.
            command: what it runs instead of the image's own command.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: not exactly one of `image` and `source` is given.
        """
        if bool(image) == bool(source):
            raise UsageError("A job of what?", cure="Give either an image or `--from` cronjob/NAME.")
        command = command_words(command)
        if source:
            cluster = self._cluster.connect_to_cluster("create")
            made = model.created.job_from(name, clusters.creation.cron_job(cluster, source))
            return self._create(made, ["create", "job", name, f"--from={source}"], **how)
        made = model.created.job(name, image, command)
        return self._create(made, ["create", "job", name, f"--image={image}"], command, **how)

    @creates
    def cronjob(
        self,
        name: str,
        image: str,
        schedule: str,
        *,
        command: Sequence[str] | str = (),
        restart: str = "OnFailure",
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a CronJob.

        Args:
            name: its name.
            image: its container's image.
            schedule: when it runs, as in crontab: "*/5 * * * *".
            command: what it runs instead of the image's own command.
            restart: its pods' restart policy: "OnFailure" or "Never".
            **how: `dry_run` and `output`, as in the class.
        """
        command = command_words(command)
        made = model.created.cron_job(name, image, schedule, command, restart=restart)
        words = ["cronjob", name, f"--image={image}", f"--schedule={schedule}", f"--restart={restart}"]
        return self._create(made, ["create", *words], command, **how)

    @creates
    def namespace(self, name: str, **how: Unpack[Preview]) -> Change | Manifests:
        """Create a namespace.

        Args:
            name: its name.
            **how: `dry_run` and `output`, as in the class.
        """
        return self._create(model.created.namespace(name), ["create", "namespace", name], **how)


class CreateVerbs(ClusterHandle):
    """The verbs that create objects."""

    create = cached_property(Create)
