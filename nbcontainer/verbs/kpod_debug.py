"""The declaration of `%kpod debug`."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs import kube_debug

VERBS = tuple(replace(verb, example=verb.example.replace("%kube", "%kpod")) for verb in kube_debug.VERBS)
