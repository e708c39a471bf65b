"""YAML as Kubernetes reads it: the one place that decides what a text means. Its modules load on first use."""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.kubernetes_yaml import documents as documents
    from nbcontainer.kubernetes_yaml import manifests as manifests
    from nbcontainer.kubernetes_yaml import writing as writing
else:
    __getattr__ = modules_on_use(__name__)
