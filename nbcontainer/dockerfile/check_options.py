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
    """

    skipped: frozenset[str] = frozenset()
    skips_all: bool = False
    is_error: bool = False

    def skips(self, rule: str) -> bool:
        """Whether a finding of a rule is left out; only BuildKit's own rules, whose names are capitalized, can be."""
        return rule[:1].isupper() and (self.skips_all or rule in self.skipped)


def check_options(directive: str, build_args: Mapping[str, str]) -> CheckOptions:
    """Read the value of `# check=`, or that of the build argument that takes its place.

    What is not understood is left to BuildKit, which refuses it.
    """
    fields = {}
    for part in (build_args.get("BUILDKIT_DOCKERFILE_CHECK") or directive).split(";"):
        key, _, value = part.partition("=")
        fields[key.strip()] = value.strip()
    skip = fields.get("skip", "")
    skipped = frozenset(rule.strip() for rule in skip.split(","))
    return CheckOptions(skipped, skip == "all", fields.get("error", "").lower() in ("1", "t", "true"))
