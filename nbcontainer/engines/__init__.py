"""Docker Engine and Podman. Its modules load on first use."""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.engines import addresses as addresses
    from nbcontainer.engines import build as build
    from nbcontainer.engines import build_lint as build_lint
    from nbcontainer.engines import build_push as build_push
    from nbcontainer.engines import builders as builders
    from nbcontainer.engines import buildkit_build as buildkit_build
    from nbcontainer.engines import classic_build as classic_build
    from nbcontainer.engines import config as config
    from nbcontainer.engines import connection as connection
    from nbcontainer.engines import containers as containers
    from nbcontainer.engines import credentials as credentials
    from nbcontainer.engines import docker_client as docker_client
    from nbcontainer.engines import exec as exec  # noqa: A004 - docker's and kubectl's own word
    from nbcontainer.engines import failures as failures
    from nbcontainer.engines import http as http
    from nbcontainer.engines import images as images
    from nbcontainer.engines import logs as logs
    from nbcontainer.engines import networks as networks
    from nbcontainer.engines import objects as objects
    from nbcontainer.engines import pod_creation as pod_creation
    from nbcontainer.engines import pod_deletion as pod_deletion
    from nbcontainer.engines import pod_manifests as pod_manifests
    from nbcontainer.engines import pods as pods
    from nbcontainer.engines import pods_backend as pods_backend
    from nbcontainer.engines import private_podman as private_podman
    from nbcontainer.engines import registries as registries
    from nbcontainer.engines import registry_check as registry_check
    from nbcontainer.engines import run as run
    from nbcontainer.engines import system as system
    from nbcontainer.engines import volumes as volumes
else:
    __getattr__ = modules_on_use(__name__)
