"""Label selectors of workloads and Services as the API takes them in a query."""

from __future__ import annotations

from nbcontainer.json_objects import JsonObject, entries_of, text_of, texts_of, words_of


def selector_text(selector: JsonObject) -> str:
    """The selector in `spec.selector`: "app=web,tier in (front,back)"; "" if it is empty."""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(f"{key}={value}" for key, value in selector.items())  # a Service's
    parts = [f"{key}={value}" for key, value in texts_of(selector, "matchLabels").items()]
    for rule in entries_of(selector, "matchExpressions"):
        key, values = text_of(rule, "key"), ",".join(words_of(rule, "values"))
        words = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        parts.append(words.get(text_of(rule, "operator"), f"!{key}"))
    return ",".join(parts)
