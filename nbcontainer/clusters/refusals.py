"""The API server's refusals of an object, made short: its own quote whole objects, differences and patterns. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nbcontainer.json_objects import JsonObject, entries_of, text_of
from nbcontainer.model.commands import ClusterCommands

MOST_CHARACTERS = 300  # of one cause
MOST_CAUSES = 3
_NAME_RULE = re.compile(r"must consist of lower case alphanumeric characters")
_NAME = "it takes lower-case letters, digits{signs}, and begins and ends with a letter or digit"
_PATTERN = re.compile(r"\s*\([^()]*regex used for validation is '[^']*'\)")
_VALUE = re.compile(r'Invalid value: "((?:[^"\\]|\\.)*)": (.*)', re.DOTALL)
_FIXED = re.compile(r"immutable|may not change fields|for fields other than .* are forbidden|may not be changed")
_KUBELET = re.compile(
    r'(?:error sending request: )?(?:Get|Post) "https?://([^/"]+)/(?:containerLogs|exec|attach|portForward|run)/[^"]*"'
    r": (.*)",
    re.DOTALL,
)
_REFUSED = re.compile(
    r'cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?'  # the API server's words
)
_WEBHOOKS = ("get", "validatingwebhookconfigurations,mutatingwebhookconfigurations")
_FIELD_REFUSED = re.compile(r'field label not supported: (\S+)|"([^"]+)" is not a known field selector')
_FIELDS_WANTED = re.compile(r"invalid (?:field )?selector: (.*)", re.DOTALL)
_FREE = re.compile(r"[`']([a-z][\w.*\[\]]*)[`']")


def cause_words(cause: JsonObject) -> str:
    """What is wrong with a field, without the field itself."""
    message = text_of(cause, "message")
    quoted = _VALUE.match(message)
    if quoted and _NAME_RULE.search(quoted[2]):
        signs = ", '-' and '.'" if "subdomain" in quoted[2] else " and '-'"
        return f'"{quoted[1]}" cannot be a name: {_NAME.format(signs=signs)}'
    message = _PATTERN.sub("", message)
    if len(message) > MOST_CHARACTERS and message.startswith("Invalid value: "):
        message = message.rpartition(": ")[2]  # after the value, which may be a whole object
    message = " ".join(message.partition("\n")[0].split())
    return message if len(message) <= MOST_CHARACTERS else f"{message[:MOST_CHARACTERS]} …"


def invalid_words(status: JsonObject) -> tuple[str, str]:
    """Message and cure for a `Status` object that refuses an object field by field; ("", "") for any other."""
    causes = entries_of(status, "details", "causes")
    if status.get("reason") != "Invalid" or not causes:
        return "", ""
    words: dict[str, str] = {}
    for cause in causes:
        said = cause_words(cause)
        # one bad name may be refused in several fields, each by its own rule
        key = said.partition(" cannot be a name: ")[0] if " cannot be a name: " in said else f"{cause}"
        words.setdefault(key, f"{text_of(cause, 'field')}: {said}".removeprefix(": "))
    shown = list(words.values())[:MOST_CAUSES]
    more = f" (and {len(words) - MOST_CAUSES} more)" if len(words) > MOST_CAUSES else ""
    what = f'{text_of(status, "details", "kind") or "The object"} "{text_of(status, "details", "name")}"'
    return f"{what} is invalid: {'; '.join(shown)}{more}.", name_cure(causes)


def cure_of(message: str, commands: ClusterCommands) -> str:
    """What to do about a refusal that is no matter of a field, or ""."""
    if "failed calling webhook" in message:
        shown = commands.kubectl(*_WEBHOOKS, namespace="")
        return f"An admission webhook of the cluster does not answer, and must be repaired: `{shown}` lists them."
    if "admission webhook" in message and "denied the request" in message:
        return f"It is a rule of the cluster: `{commands.kubectl(*_WEBHOOKS, namespace='')}` lists its webhooks."
    if "is being terminated" in message:
        shown = commands.kubectl("describe", "namespace", commands.namespace, namespace="")
        return f"Use another namespace. If it does not go, `{shown}` says what keeps it."
    if 'User "' in message and " cannot " in message:
        shown = commands.kube("auth", "can-i", "--list")
        other = f"Another context or namespace may allow it; {shown} shows what this one does."
        return f"{_asked(message, commands)}{other}"
    return ""


def _asked(message: str, commands: ClusterCommands) -> str:
    """The `can-i` that asks whether the refused call is allowed, once somebody has permitted it."""
    found = _REFUSED.search(message)
    if not found:
        return ""
    verb, resource, group, namespace = found.groups(default="")
    plural, _, part = resource.partition("/")
    words = [verb, f"{plural}.{group}" if group else plural, *([f"--subresource={part}"] if part else [])]
    return f"{commands.kube('auth', 'can-i', *words, namespace=namespace)} asks for it alone. "


def selector_words(message: str) -> tuple[str, str] | None:
    """Message and cure where a selector is refused; None for anything else."""
    if message.startswith(("unable to parse requirement: ", "found '")):
        said = message.removeprefix("unable to parse requirement: ")
        return f"The label selector is not valid: {said}.", "Such as app=web, 'tier in (front, back)' or '!legacy'."
    if found := _FIELD_REFUSED.search(message):
        what = f"Objects of this kind cannot be selected by the field {found[1] or found[2]}."
        return what, "Every kind can be selected by metadata.name and metadata.namespace."
    if found := _FIELDS_WANTED.match(message):
        return f"The field selector is not valid: {found[1]}.", "Such as status.phase=Running."
    return None


def unreachable_kubelet(message: str, commands: ClusterCommands) -> tuple[str, str]:
    """Message and cure where the API server cannot reach the kubelet of a pod's node; ("", "") for anything else."""
    found = _KUBELET.search(message)
    if found is None:
        return "", ""
    what = f"The API server cannot reach the kubelet of the pod's node at {found[1]}: {found[2].strip().rstrip('.')}."
    return what, f"`{commands.kubectl('get', 'nodes', namespace='')}` shows whether the node is ready."


def name_cure(causes: Sequence[JsonObject]) -> str:
    """A proposal for a valid name in place of a refused one."""
    for cause in causes:
        quoted = _VALUE.match(text_of(cause, "message"))
        if quoted and _NAME_RULE.search(quoted[2]):
            proposed = re.sub(r"[^a-z0-9]+", "-", quoted[1].lower()).strip("-")[:63]
            return f"Call it {proposed}, for example." if proposed else ""
    return ""


def is_fixed(cause: JsonObject) -> bool:
    """Whether a field is refused because it cannot be changed in an existing object."""
    return bool(_FIXED.search(text_of(cause, "message")))


def fixed_fields(cause: JsonObject, wanted: object, present: object) -> list[str]:
    """The fields whose change was refused: all that differ below the cause's field, except those it allows."""
    message, field = text_of(cause, "message").partition("\n")[0], text_of(cause, "field")
    root = field.partition(".")[0]
    free = [word if word.startswith(f"{root}.") else f"{root}.{word}" for word in _FREE.findall(message)]
    patterns = [re.escape(word).replace(r"\*", r"\d+") + r"(?![\w])" for word in free if word != field]
    changed = [path for path in differences(wanted, present, "") if path.startswith(field)]
    return [path for path in changed if not any(re.match(pattern, path) for pattern in patterns)] or [field]


def differences(wanted: object, present: object, path: str) -> Iterator[str]:
    """The paths of wanted values that are different in the object."""
    if isinstance(wanted, dict) and isinstance(present, dict):
        for key, value in wanted.items():
            yield from differences(value, present.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, list) and isinstance(present, list):
        if not all(isinstance(item, dict) for item in wanted):
            if wanted != present:
                yield path
            return
        named = {item.get("name"): item for item in present if isinstance(item, dict) and item.get("name")}
        for index, item in enumerate(wanted):
            other = named.get(item.get("name")) or (present[index] if index < len(present) else None)
            yield from differences(item, other, f"{path}[{index}]")
    elif str(wanted) != str(present):
        yield path
