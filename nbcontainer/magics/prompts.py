"""Asks for secrets."""

from __future__ import annotations

import getpass
import warnings

from nbcontainer.errors import Stopped, UsageError

__all__ = ["ask_secret"]


def ask_secret(prompt: str, cure: str) -> str:
    """Ask with hidden input, in the page or in the terminal. The answer is not in the history or the notebook.

    Raises:
        UsageError: there is nobody to ask (nbclient, a script); `cure` says what to do then.
        Stopped: the user entered nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would echo what is typed
            answer = getpass.getpass(prompt)
    except KeyboardInterrupt:
        print()  # noqa: T201 - ends the line of the question
        raise Stopped("Nothing was entered.") from None
    except (EOFError, OSError, NotImplementedError, RuntimeError, getpass.GetPassWarning):
        raise UsageError("Nobody can be asked here.", cure=cure) from None
    if not answer:
        raise Stopped("Nothing was entered.")
    return answer
