"""Dockerfile text: parsed, checked and planned, without an engine.

`substitute` puts Python variables into a cell's text; `parse` turns it into a `Dockerfile`, with the lines of every
instruction; `check` finds all problems at once; `Dockerfile.plan` lists the steps that a build will take. Nothing here
does I/O.
"""

from nbcontainer.dockerfile.checks import check
from nbcontainer.dockerfile.stages import Dockerfile, Stage, parse
from nbcontainer.dockerfile.substitution import substitute
from nbcontainer.dockerfile.text import Flag, Heredoc, Instruction

__all__ = ["Dockerfile", "Flag", "Heredoc", "Instruction", "Stage", "check", "parse", "substitute"]
