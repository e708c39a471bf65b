"""Every option of nbcontainer, in one place. The magics show them as `%nbcontainer settings`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from nbcontainer.errors import UsageError

__all__ = ["Settings", "settings"]


SURFACES = ("auto", "notebook", "terminal", "plain")


@dataclass
class Settings:
    """The options; change an attribute, and the next call uses it.

    Attributes:
        surface: "auto", "notebook", "terminal" or "plain": where running things are drawn.
        engine: an address (unix://, tcp://, ssh://), a docker context, "podman" for the private Podman, or "" to look.
        context: the kubeconfig context, or "" for the current one.
        namespace: the namespace, or "" for the context's own.
        protected_contexts: patterns of contexts or engines' addresses, which only calls that name them change.
        confirm: whether destructive verbs ask.
        log_window: lines of a log that page and notebook hold.
        spool_directory: where full outputs are kept; "" for a folder of the system's temporary directory.
        credential_helper_timeout: seconds that a docker credential helper may take.
        credential_plugin_timeout: seconds that a kubeconfig's credential plugin may take; it may open a browser.
        connect_timeout: seconds to wait for an engine or a cluster to answer.
    """

    surface: str = "auto"
    engine: str = ""
    context: str = ""
    namespace: str = ""
    protected_contexts: tuple[str, ...] = ()
    confirm: bool = True
    log_window: int = 2000
    spool_directory: str = ""
    credential_helper_timeout: float = 10.0
    credential_plugin_timeout: float = 60.0
    connect_timeout: float = 5.0

    def change(self, name: str, value: Any) -> None:
        """Set one option from its text or its value.

        Raises:
            UsageError: there is no such option, or the value does not fit it.
        """
        setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse what is no option or does not fit: a misspelt protection would protect nothing."""
        kinds = {field.name: type(field.default) for field in fields(self)}
        if name not in kinds:
            raise UsageError(f"There is no setting {name!r}.", cure=f"Settings: {', '.join(kinds)}.")
        converted = _convert(name, kinds[name], value)
        if name == "surface" and converted not in SURFACES:
            raise UsageError(f"There is no surface {value!r}.", cure=f"Surfaces: {', '.join(SURFACES)}.")
        if kinds[name] in (int, float) and not 0 < converted < float("inf"):  # nor is NaN
            raise UsageError(f"{name} takes a number above 0, not {value!r}.")
        super().__setattr__(name, converted)

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """What each option means, as the lines above say it."""
        described = (cls.__doc__ or "").partition("Attributes:")[2].splitlines()
        lines = (line.strip().partition(": ") for line in described)
        return {name: meaning for name, _, meaning in lines if meaning}


def _convert(name: str, kind: type, value: Any) -> Any:
    if kind is tuple and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if kind is bool and isinstance(value, str):
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if value.lower() not in words:
            raise UsageError(f"{name} is either true or false, not {value!r}.")
        return words[value.lower()]
    try:
        converted = kind(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} takes a {kind.__name__}, not {value!r}.") from None
    if kind is tuple and not all(isinstance(part, str) for part in converted):
        raise UsageError(f"{name} takes texts, such as 'a*,b' or ('a*', 'b'), not {value!r}.")
    return converted


settings = Settings()
