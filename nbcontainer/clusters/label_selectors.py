"""Label selectors of workloads and Services on one line: as kubectl shows them, and the API takes them in a query."""

from __future__ import annotations

from nbcontainer.json_objects import JsonObject, entries_of, text_of, texts_of, words_of


def selector_text(selector: JsonObject) -> str:
    """The selector in `spec.selector`: "app=web,tier in (back,front)"; "" if it is empty."""
    is_plain = "matchLabels" not in selector and "matchExpressions" not in selector  # a Service's
    labels = texts_of(selector) if is_plain else texts_of(selector, "matchLabels")
    parts = [(key, f"{key}={value}") for key, value in labels.items()]
    for rule in entries_of(selector, "matchExpressions"):
        key, values = text_of(rule, "key"), ",".join(sorted(words_of(rule, "values")))
        words = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        parts.append((key, words.get(text_of(rule, "operator"), f"!{key}")))
    return ",".join(text for _, text in sorted(parts))
