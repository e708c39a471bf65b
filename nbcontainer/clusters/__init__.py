"""Kubernetes. Its modules load on first use."""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.clusters import attached_run as attached_run
    from nbcontainer.clusters import auth_provider as auth_provider
    from nbcontainer.clusters import client as client
    from nbcontainer.clusters import client_certificate as client_certificate
    from nbcontainer.clusters import columns as columns
    from nbcontainer.clusters import connection as connection
    from nbcontainer.clusters import contexts as contexts
    from nbcontainer.clusters import copying as copying
    from nbcontainer.clusters import cordoning as cordoning
    from nbcontainer.clusters import creation as creation
    from nbcontainer.clusters import debugging as debugging
    from nbcontainer.clusters import deletion as deletion
    from nbcontainer.clusters import deletion_plan as deletion_plan
    from nbcontainer.clusters import describe as describe
    from nbcontainer.clusters import discovery as discovery
    from nbcontainer.clusters import draining as draining
    from nbcontainer.clusters import editing as editing
    from nbcontainer.clusters import events as events
    from nbcontainer.clusters import exec as exec  # noqa: A004 - docker's and kubectl's own word
    from nbcontainer.clusters import explain as explain
    from nbcontainer.clusters import exposing as exposing
    from nbcontainer.clusters import forwarding as forwarding
    from nbcontainer.clusters import kinds as kinds
    from nbcontainer.clusters import kubeconfig as kubeconfig
    from nbcontainer.clusters import kubernetes_client as kubernetes_client
    from nbcontainer.clusters import logs as logs
    from nbcontainer.clusters import manifest_files as manifest_files
    from nbcontainer.clusters import manifests as manifests
    from nbcontainer.clusters import objects as objects
    from nbcontainer.clusters import patching as patching
    from nbcontainer.clusters import permissions as permissions
    from nbcontainer.clusters import pod_template as pod_template
    from nbcontainer.clusters import pods as pods
    from nbcontainer.clusters import pods_backend as pods_backend
    from nbcontainer.clusters import resources as resources
    from nbcontainer.clusters import rollout_history as rollout_history
    from nbcontainer.clusters import rollouts as rollouts
    from nbcontainer.clusters import secret_values as secret_values
    from nbcontainer.clusters import several_tables as several_tables
    from nbcontainer.clusters import tables as tables
    from nbcontainer.clusters import timelines as timelines
    from nbcontainer.clusters import trees as trees
    from nbcontainer.clusters import usage as usage
    from nbcontainer.clusters import verification as verification
    from nbcontainer.clusters import waiting as waiting
    from nbcontainer.clusters import why as why
else:
    __getattr__ = modules_on_use(__name__)
