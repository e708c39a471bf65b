"""What `# check=` says about BuildKit's checks: which to skip, and whether a finding is an error.

Source: https://docs.docker.com/reference/dockerfile/#check; BuildKit's frontend/dockerfile/linter (ParseLintOptions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The options of the checks.

    Attributes:
        skipped: the names of rules whose findings are left out.
        skips_all: whether all are left out.
        is_error: whether a finding stops a build.
        experimental: the names of experimental rules that are checked too.
        all_experimental: whether all of them are.
    """

    skipped: frozenset[str] = frozenset()
    skips_all: bool = False
    is_error: bool = False
    experimental: frozenset[str] = frozenset()
    all_experimental: bool = False

    def skips(self, rule: str) -> bool:
        """Whether a finding of a rule is left out; only BuildKit's own rules, whose names are capitalized, can be."""
        return rule[:1].isupper() and (self.skips_all or rule in self.skipped)

    def runs_experimental(self, rule: str) -> bool:
        """Whether an experimental rule is checked; `skip=` does not concern these."""
        return self.all_experimental or rule in self.experimental


def check_options(directive: str, build_args: Mapping[str, str]) -> CheckOptions:
    """Read the value of `# check=`, or that of the build argument that takes its place.

    What is not understood is left to BuildKit, which refuses it.
    """
    fields = {}
    for part in (build_args.get("BUILDKIT_DOCKERFILE_CHECK") or directive).split(";"):
        key, _, value = part.partition("=")
        fields[key.strip()] = value.strip()
    skip, experimental = fields.get("skip", ""), fields.get("experimental", "")
    return CheckOptions(
        _names(skip),
        skip == "all",
        fields.get("error", "").lower() in ("1", "t", "true"),
        _names(experimental),
        experimental == "all",
    )


def _names(value: str) -> frozenset[str]:
    return frozenset(rule.strip() for rule in value.split(","))
