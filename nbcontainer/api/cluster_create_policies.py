"""Creating what rules how much there may be, what goes first, and how a namespace is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from nbcontainer import model
from nbcontainer.api.cluster_creator import Creator, Preview, creates
from nbcontainer.model.changes import Change
from nbcontainer.model.commands import pairs
from nbcontainer.model.manifests import Manifests


class CreatePolicies(Creator):
    """Creating quotas, priorities, disruption budgets and Ingresses."""

    @creates
    def quota(
        self,
        name: str,
        *,
        hard: Mapping[str, str] | None = None,
        scopes: Sequence[str] = (),
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a ResourceQuota: the most that the namespace may have.

        Args:
            name: its name.
            hard: the limits, such as {"pods": "10", "cpu": "2"}.
            scopes: which pods count, such as "BestEffort".
            **how: `dry_run` and `output`, as in the class.
        """
        words = ["quota", name]
        words += ["--hard=" + ",".join(f"{key}={value}" for key, value in hard.items())] if hard else []
        words += [f"--scopes={','.join(scopes)}"] if scopes else []
        return self._create(model.created.quota(name, hard or {}, scopes), ["create", *words], **how)

    @creates
    def ingress(
        self,
        name: str,
        *,
        rules: Sequence[str] = (),
        default_backend: str = "",
        ingress_class: str = "",
        annotations: Mapping[str, str] | None = None,
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create an Ingress, by which Services are reached from outside the cluster.

        Args:
            name: its name.
            rules: "HOST/PATH=SERVICE:PORT[,tls[=SECRET]]"; a path that ends in "*" is a prefix.
            default_backend: "SERVICE:PORT" for what no rule fits.
            ingress_class: the class of controllers that serve it; "" for the cluster's default.
            annotations: its annotations.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: a rule is not valid, or there is neither a rule nor a default.
        """
        made = model.created_policies.ingress(name, rules, default_backend, ingress_class, annotations or {})
        words = [f"--rule={rule}" for rule in rules]
        words += [f"--default-backend={default_backend}"] if default_backend else []
        words += [f"--class={ingress_class}"] if ingress_class else []
        words += pairs("--annotation", annotations or {})
        return self._create(made, ["create", "ingress", name, *words], **how)

    @creates
    def poddisruptionbudget(
        self,
        name: str,
        selector: str,
        *,
        min_available: str = "",
        max_unavailable: str = "",
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a PodDisruptionBudget: how many pods an eviction must leave.

        Args:
            name: its name.
            selector: a label selector of the pods: "app=web".
            min_available: how many pods stay: a number, or a percentage such as "50%".
            max_unavailable: how many may be missing, likewise; one of the two must be given.
            **how: `dry_run` and `output`, as in the class.

        Raises:
            UsageError: not exactly one of the numbers is given, or it or the selector is not valid.
        """
        made = model.created_policies.disruption_budget(
            name, selector, min_available=min_available, max_unavailable=max_unavailable
        )
        words = [f"--selector={selector}"]
        words += [f"--min-available={min_available}"] if min_available else []
        words += [f"--max-unavailable={max_unavailable}"] if max_unavailable else []
        return self._create(made, ["create", "poddisruptionbudget", name, *words], **how)

    @creates
    def priorityclass(
        self,
        name: str,
        *,
        value: int = 0,
        description: str = "",
        global_default: bool = False,
        preemption_policy: str = "PreemptLowerPriority",
        **how: Unpack[Preview],
    ) -> Change | Manifests:
        """Create a PriorityClass: which pods a full cluster runs first.

        Args:
            name: its name.
            value: the priority; the higher, the earlier.
            description: when it is to be used.
            global_default: whether it is that of pods that name none.
            preemption_policy: "PreemptLowerPriority", or "Never": other pods are not ended for its pods.
            **how: `dry_run` and `output`, as in the class.
        """
        made = model.created_policies.priority_class(
            name, value, description, global_default=global_default, preemption_policy=preemption_policy
        )
        words = [f"--value={value}", *([f"--description={description}"] if description else [])]
        words += ["--global-default"] * global_default + [f"--preemption-policy={preemption_policy}"]
        return self._create(made, ["create", "priorityclass", name, *words], **how)
