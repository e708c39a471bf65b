"""What a kind and its fields are, from the OpenAPI document of the API server."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import Resource, all_resources, find_resource
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, words_of
from nbcontainer.model.explanations import ExplainedField, Explanation

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

DEEPEST = 12  # fields below each other that are listed: schemas of schemas refer to themselves


def explain(cluster: Cluster, path: str, *, recursive: bool = False, api_version: str = "") -> Explanation:
    """What a path such as "deploy.spec.strategy" is.

    Args:
        cluster: the cluster.
        path: a kind, with its group too, and a field of it.
        recursive: list all fields below it, without their descriptions.
        api_version: another version of the kind than the preferred one: "apps/v1".

    Raises:
        UsageError: there is no such kind, or it has no such field; with similar ones.
        NotFound: the API server does not document the kind.
    """
    return cluster.run(_explain(cluster, path, recursive=recursive, api_version=api_version))


async def _explain(cluster: Cluster, path: str, *, recursive: bool, api_version: str) -> Explanation:
    resource, fields = await _resource(cluster, path.split("."), api_version)
    root = f"apis/{resource.group}" if resource.group else "api"
    try:
        document = await cluster.request("GET", f"/openapi/v3/{root}/{resource.version}")
    except NotFound:
        raise NotFound(f"The API server does not document {resource.api_version} {resource.kind}.") from None
    schemas = _Schemas(object_of(document, "components", "schemas"))
    schema = schemas.of(resource)
    for index, name in enumerate(fields):
        found = schemas.fields(schema)
        if name not in found:
            near = difflib.get_close_matches(name, found, n=3)
            where = ".".join([resource.word, *fields[:index]])
            has = f"It has {', '.join(sorted(found))}." if found else "It has no fields."
            raise UsageError(
                f"{where} has no field {name!r}.", cure=f"Did you mean {' or '.join(near)}?" if near else has
            )
        schema = found[name]
    words = ["explain", ".".join([resource.word, *fields]), *(["--recursive"] if recursive else [])]
    words += [f"--api-version={api_version}"] if api_version else []
    return Explanation(
        resource.kind,
        resource.group,
        resource.version,
        ".".join(fields),
        schemas.type(schema) if fields else "",
        schemas.description(schema),
        tuple(words_of(schema, "enum")),
        tuple(schemas.list(schema, recursive=recursive)),
        cluster.commands.kubectl(*words, namespace=""),
    )


async def _resource(cluster: Cluster, words: list[str], api_version: str) -> tuple[Resource, list[str]]:
    """The kind at the beginning of a path, and the fields after it: a group has dots, too."""
    kinds = {word.lower() for one in await all_resources(cluster) for word in (f"{one.plural}.{one.group}", one.plural)}
    length = next((n for n in range(len(words), 1, -1) if ".".join(words[:n]).lower() in kinds), 1)
    resource = await find_resource(cluster, ".".join(words[:length]))
    if api_version and api_version != resource.api_version:
        group, _, version = api_version.rpartition("/")
        resource = Resource(resource.plural, resource.kind, group, version, resource.namespaced)
    return resource, words[length:]


class _Schemas:
    """The schemas of an OpenAPI document."""

    def __init__(self, schemas: JsonObject) -> None:
        self._schemas = schemas

    def of(self, resource: Resource) -> JsonObject:
        """The schema of a kind; raises NotFound if there is none."""
        wanted = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        for name, schema in self._schemas.items():
            if wanted in entries_of(schema, "x-kubernetes-group-version-kind"):
                return object_of(self._schemas, name)
        raise NotFound(f"The API server does not document {resource.api_version} {resource.kind}.")

    def referred(self, schema: JsonObject) -> JsonObject:
        """The schema that this one stands for, or it itself."""
        for one in (schema, *entries_of(schema, "allOf")):
            if name := text_of(one, "$ref").rpartition("/")[2]:
                return object_of(self._schemas, name)
        return schema

    def inner(self, schema: JsonObject) -> JsonObject:
        """The schema with the fields: that of the items of a list, or of the values of a map."""
        found = self.referred(schema)
        for key in ("items", "additionalProperties"):
            if deeper := object_of(found, key):
                return self.inner(deeper)
        return found

    def fields(self, schema: JsonObject) -> dict[str, JsonObject]:
        """The fields below a schema."""
        return {name: object_of(one) for name, one in object_of(self.inner(schema), "properties").items()}

    def description(self, schema: JsonObject) -> str:
        """A field's own description, and that of its type."""
        own, of_type = text_of(schema, "description"), text_of(self.inner(schema), "description")
        return "\n".join(dict.fromkeys(filter(None, (own, of_type))))

    def type(self, schema: JsonObject) -> str:
        """A field's type, as kubectl writes it."""
        found = self.referred(schema)
        if items := object_of(found, "items"):
            return f"[]{self.type(items)}"
        if values := object_of(found, "additionalProperties"):
            return f"map[string]{self.type(values)}"
        for one in (schema, *entries_of(schema, "allOf")):
            if name := text_of(one, "$ref").rpartition("/")[2]:
                return name.rpartition(".")[2]
        return text_of(found, "type") or "Object"

    def list(
        self, schema: JsonObject, *, recursive: bool, depth: int = 0, above: tuple[str, ...] = ()
    ) -> Iterator[ExplainedField]:
        """The fields below a schema, by name; recursively without descriptions."""
        required = words_of(self.inner(schema), "required")
        for name, one in sorted(self.fields(schema).items()):
            kind = self.type(one)
            description = "" if recursive else self.description(one).partition("\n")[0]
            choices = tuple(words_of(self.referred(one), "enum"))
            yield ExplainedField(name, kind, description, name in required, choices, depth)
            if recursive and kind not in above and depth < DEEPEST:
                yield from self.list(one, recursive=True, depth=depth + 1, above=(*above, kind))
