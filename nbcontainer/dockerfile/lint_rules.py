"""The table of BuildKit's lint rules: what each is called, what it says, what to do, and the page that explains it.

Source: https://docs.docker.com/reference/build-checks/; BuildKit's frontend/dockerfile/linter (ruleset.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from nbcontainer.dockerfile.fixes import Cure
from nbcontainer.dockerfile.text import Fault, Instruction

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PAGES = "https://docs.docker.com/go/dockerfile/rule/"


@dataclass(frozen=True)
class Rule:
    """One of BuildKit's rules.

    Attributes:
        name: as in `# check=skip=NAME`.
        sentence: what is wrong, with the facts in braces.
        cure: what to do, with the facts in braces.
        is_experimental: whether it is only checked where `# check=experimental=` names it.
    """

    name: str
    sentence: str
    cure: str
    is_experimental: bool = False

    @cached_property
    def link(self) -> str:
        """The address of the page that explains it."""
        return f"{_PAGES}{_WORD_START.sub('-', self.name).lower()}/"

    def found(
        self, instruction: Instruction, facts: dict[str, str], *, cure: str = "", fix: Cure | None = None, line: int = 0
    ) -> Fault:
        """A finding in an instruction.

        Args:
            instruction: where it is.
            facts: those in the sentence and the cure.
            cure: a better one, in this case.
            fix: what to replace, if that is obvious.
            line: the other line that the cure names.
        """
        return instruction.fault(
            self.sentence.format_map(facts),
            cure or self.cure.format_map(facts),
            self.name,
            severity="warning",
            other_line=line,
            cure=fix,
        )


RULES = {
    rule.name: rule
    for rule in (
        Rule("StageNameCasing", "stage {name} is not in lowercase", "Write {better}."),
        Rule("FromAsCasing", "{word} and {first} differ in casing", "Write {better}."),
        Rule(
            "NoEmptyContinuation",
            "there is an empty line inside a continued instruction",
            "Remove it, or begin it with #; it will become an error.",
        ),
        Rule(
            "ConsistentInstructionCasing",
            "{word} is not in {casing}, as most instructions are",
            "Write {better}.",
        ),
        Rule(
            "DuplicateStageName",
            "stage {name} is defined twice",
            "The first is on line {{line}}; --target and --from mean the last.",
        ),
        Rule("ReservedStageName", "{name} is a reserved word, not a name for a stage", "Choose another name."),
        Rule(
            "JSONArgsRecommended",
            "{name} runs in a shell, which does not pass on the signals that stop a container",
            "Write the command as a JSON array.",
        ),
        Rule(
            "MaintainerDeprecated",
            "MAINTAINER is deprecated",
            "Write {better}.",
        ),
        Rule(
            "UndefinedArgInFrom",
            "FROM: {name} is not declared",
            "Declare it before the first FROM: ARG {name}.",
        ),
        Rule(
            "WorkdirRelativePath",
            "WORKDIR {path} is relative to a directory that the base image chooses",
            "Write an absolute path first, such as WORKDIR /app.",
        ),
        Rule(
            "UndefinedVar",
            "{instruction}: ${name} is not defined",
            "Define it before its use, by ARG {name} or ENV {name}=VALUE.",
        ),
        Rule(
            "MultipleInstructionsDisallowed",
            "only the last {name} of a stage counts",
            "Remove this one.",
        ),
        Rule(
            "LegacyKeyValueFormat",
            "{name} without = is an old form",
            "Write {name} {key}=VALUE, with no spaces around =.",
        ),
        Rule(
            "RedundantTargetPlatform",
            "--platform={value} is what a stage has anyway",
            "Leave it out.",
        ),
        Rule(
            "SecretsUsedInArgOrEnv",
            "{name} {key}: its value can be read from the image",
            "Write RUN --mount=type=secret,id={key} where it is needed.",
        ),
        Rule(
            "InvalidDefaultArgInFrom",
            "FROM {base} names no image unless a build argument is given",
            "Give its ARG a default before the first FROM.",
        ),
        Rule(
            "FromPlatformFlagConstDisallowed",
            "--platform={value} ties the stage to one platform",
            "Leave it out, write $BUILDPLATFORM, or put the platform into the stage's name.",
        ),
        Rule(
            "CopyIgnoredFile",
            "{name}: {path} is left out of the build context by .dockerignore",
            "Change its patterns, or remove this source.",
            is_experimental=True,
        ),
        Rule(
            "InvalidDefinitionDescription",
            "the comment above this {name} does not describe it",
            "Begin it with the name, # {example} DESCRIPTION, or put a line with only # below it.",
            is_experimental=True,
        ),
        Rule("ExposeProtoCasing", "EXPOSE: the protocol of {word} is not in lowercase", "Write {better}."),
        Rule(
            "ExposeInvalidFormat",
            "EXPOSE: {word} names a host port, which has no effect",
            "Write EXPOSE {better}; docker run -p publishes it.",
        ),
    )
}


def buildkits_name(source: str) -> str:
    """BuildKit's name for the rule that found a problem: an array that is not JSON is a shell's command to BuildKit."""
    return "JSONArgsRecommended" if source == "json" else source
