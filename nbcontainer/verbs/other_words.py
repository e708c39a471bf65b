"""Words of kubectl that are no verbs here, and what does the same."""

from __future__ import annotations

_DOCTOR = "%nbcontainer doctor shows the cluster in use."
_PODS = "%kpod get lists pods."

OTHER_WORDS = {
    "kube": {
        "attach": "%kube logs -f follows what a container writes; %%kube exec passes the cell to a command.",
        "cluster-info": _DOCTOR,
        "config": "%kube context and %kube namespace choose for this notebook; the kubeconfig is not changed.",
        "create -f": "%kube apply -f creates what does not exist.",
        "create --filename": "%kube apply --filename creates what does not exist.",
        "create pod": "%kpod create NAME --image=IMAGE creates a pod.",
        "list": "%kube get KIND lists objects.",
        "ls": "%kube get KIND lists objects.",
        "proxy": "%kube port-forward svc/NAME PORT connects to what runs in the cluster.",
        "replace": "%%kube apply changes objects; %kube edit writes one into the next cell.",
        "version": _DOCTOR,
    },
    "kpod": {"list": _PODS, "ls": _PODS, "ps": _PODS, "rm": "%kpod delete removes pods."},
}
