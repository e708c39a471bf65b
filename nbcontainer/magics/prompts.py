"""Asks the user: to confirm, for a name, for a secret."""

from __future__ import annotations

import getpass
import os
import warnings
from typing import TYPE_CHECKING

from nbcontainer.errors import Stopped, UsageError

if TYPE_CHECKING:
    from nbcontainer.magics.calls import Call

NOTHING = "Nothing was changed."


def ask(prompt: str, cure: str, *, hidden: bool = False) -> str:
    """Ask in the page or in the terminal. A hidden answer is in neither the history nor the notebook.

    Raises:
        UsageError: there is nobody to ask (nbclient, a script); `cure` says what to do then.
        Stopped: the user entered nothing, or interrupted.
    """
    answer = _answer(prompt, cure, hidden=hidden)
    if not answer:
        raise Stopped(NOTHING)
    return answer


def password_of(call: Call, prompt: str) -> str:
    """The password that `--password-from` names, or else the user's answer to a question.

    Raises:
        UsageError: the variable does not exist, or there is nobody to ask.
        Stopped: the user entered nothing, or interrupted.
    """
    source = call.values.password_from
    if not source:
        return ask(prompt, "--password-from NAME takes a variable, env:NAME the environment.", hidden=True)
    if not source.startswith("env:"):
        return str(call.variable(source))
    if source[4:] not in os.environ:
        raise UsageError(f"The environment variable {source[4:]} is not set.")
    return os.environ[source[4:]]


def confirm(question: str) -> None:
    """Ask a question whose answer is yes or no.

    Raises:
        UsageError: there is nobody to ask.
        Stopped: the answer was not yes.
    """
    if _answer(f"{question} [y/N] ", "-y answers yes.").strip().lower() not in {"y", "yes"}:
        raise Stopped(NOTHING)


def _answer(prompt: str, cure: str, *, hidden: bool = False) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would echo what is typed
            return getpass.getpass(prompt) if hidden else input(prompt)
    except KeyboardInterrupt:
        print()  # noqa: T201 - ends the line of the question
        raise Stopped(NOTHING) from None
    except (EOFError, OSError, NotImplementedError, RuntimeError, getpass.GetPassWarning):
        asked = prompt.removesuffix(" [y/N] ").rstrip(": ")
        raise UsageError(f"Nobody can be asked here: {asked}", cure=cure) from None
