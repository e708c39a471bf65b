"""The declaration of `%kpod debug`."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs.kube_debug import DEBUG

VERBS = (replace(DEBUG, example="%kpod debug web -- ls /proc/1/root"),)
