"""Asking for what must not be seen."""

from __future__ import annotations

import getpass
import warnings

from nbcontainer.errors import Stopped, UsageError

__all__ = ["ask_secret"]


def ask_secret(prompt: str, cure: str) -> str:
    """Ask with hidden input: in the page, or in the terminal. It reaches no history and no notebook.

    Raises:
        UsageError: nobody can be asked (nbclient, a script); `cure` says what to do in that case.
        Stopped: the person gave nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would show what is typed
            answer = getpass.getpass(prompt)
    except KeyboardInterrupt:
        print()  # noqa: T201 - the question's line ends here
        raise Stopped("Nothing was entered.") from None
    except (EOFError, OSError, NotImplementedError, RuntimeError, getpass.GetPassWarning):
        raise UsageError("Nobody can be asked here.", cure=cure) from None
    if not answer:
        raise Stopped("Nothing was entered.")
    return answer
