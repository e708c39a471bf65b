"""YAML applied server-side to a real API server, with errors that name the text's lines."""

import asyncio

import pytest

from nbcontainer.api.cluster import Cluster
from nbcontainer.clusters.discovery import POD, find_kind
from nbcontainer.errors import ApiError, Conflict, Forbidden, UsageError
from nbcontainer.model.source_map import SourceMap
from nbcontainer.settings import settings
from tests.clusters.applying import apply

POD_TEXT = """\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
spec:
  containers:
  - name: web
    image: busybox
    args: [sleep, "600"]
"""

DEPLOYMENT = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data:
  colour: blue
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: scaled}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: scaled}}}}
  template:
    metadata: {{labels: {{app: scaled}}}}
    spec:
      containers:
      - {{name: c, image: busybox, args: [sleep, '600']}}
"""


def done(changes):
    return [(change.kind, change.name, change.action) for change in changes]


def test_created_configured_unchanged(space):
    text = DEPLOYMENT.format(replicas=0)
    assert done(apply(space, text, dry_run=True)) == [
        ("ConfigMap", "settings", "created"),
        ("Deployment", "scaled", "created"),
    ]
    with pytest.raises(ApiError):
        space.run(space.request("GET", f"/api/v1/namespaces/{space.namespace}/configmaps/settings"))
    first = apply(space, text, labels={"nbcontainer.notebook": "abc"})
    assert done(first) == [("ConfigMap", "settings", "created"), ("Deployment", "scaled", "created")]
    assert first[0].where == space.where
    assert "colour: blue" in first[0].yaml
    assert done(apply(space, text, labels={"nbcontainer.notebook": "abc"}))[0][2] == "unchanged"
    assert done(apply(space, text, labels={"nbcontainer.notebook": "abc"}, dry_run=True))[0][2] == "unchanged"
    changed = apply(space, text.replace("blue", "red"), labels={"nbcontainer.notebook": "abc"}, dry_run=True)
    assert done(changed)[0][2] == "configured"
    assert done(apply(space, text.replace("blue", "red"), labels={"nbcontainer.notebook": "abc"}))[0][2] == "configured"
    found = space.run(space.request("GET", f"/api/v1/namespaces/{space.namespace}/configmaps/settings"))
    assert found["metadata"]["labels"] == {"nbcontainer.notebook": "abc"}
    assert found["metadata"]["managedFields"][0]["manager"] == "nbcontainer"


def test_a_server_keeps_what_kubectl_would_have_sent(space):
    text = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: read-as-kubectl
  annotations: {until: 2030-03-25T13:37:11Z}
data:
  9000: x
  on: x
  opens: 12:30
  equal: =
  never: 2030-13-45
  octal: "010"
  bytes: !!binary aGVsbG8=
"""
    assert done(apply(space, text)) == [("ConfigMap", "read-as-kubectl", "created")]
    found = space.run(space.request("GET", f"/api/v1/namespaces/{space.namespace}/configmaps/read-as-kubectl"))
    assert found["metadata"]["annotations"] == {"until": "2030-03-25T13:37:11Z"}
    text_alone = {"opens": "12:30", "equal": "=", "never": "2030-13-45", "octal": "010", "bytes": "hello"}
    assert found["data"] == {"9000": "x", "true": "x", **text_alone}
    for word, kind in (("010", "a number"), ("yes", "a boolean")):
        with pytest.raises(ApiError) as caught:
            apply(space, text.replace('"010"', word))
        assert caught.value.message == f"line 12: data.octal must be text, and without quotes this is {kind}."
        assert caught.value.cure == "Put the value in quotes."


def test_a_conflict_names_field_manager_and_line(space):
    text = DEPLOYMENT.format(replicas=1).replace("scaled", "disputed").replace("settings", "beside")
    apply(space, text)
    path = f"/apis/apps/v1/namespaces/{space.namespace}/deployments/disputed"
    space.run(
        space.request(
            "PATCH",
            path,
            body={"spec": {"replicas": 2}},
            content_type="application/merge-patch+json",
            parameters={"fieldManager": "somebody"},
        )
    )
    with pytest.raises(Conflict, match=r'line 14: spec\.replicas is managed by "somebody"') as caught:
        apply(space, text.replace("replicas: 1", "replicas: 3"), source_map=SourceMap.shifted(30, 2))
    assert "--force-conflicts" in caught.value.cure
    assert ": it is 2 in the cluster, and 3 here. Nothing was applied." in caught.value.message
    changes = apply(space, text.replace("replicas: 1", "replicas: 3"), force_conflicts=True)
    assert done(changes)[1] == ("Deployment", "disputed", "configured")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("    image:", "    imagee:"), ApiError, r"line 9: unknown field .*\.imagee'"),
        (("image: busybox", "image: {a: b}"), ApiError, r"line 9: .*expected string"),
        (("name: bad", "name: Bad_Name"), ApiError, r"line 5: metadata\.name: \"Bad_Name\" cannot be a name: it"),
        (("kind: Pod", "kind: Podd"), UsageError, r"line 3: the cluster has no v1 Podd"),
        (("kind: Pod", "kind: Deployment"), UsageError, r"line 3: the cluster has no v1 Deployment"),
        (("  containers:", "  containers: ["), UsageError, r"line \d+: this is not YAML"),
        (("  name: bad", "  nam: bad"), UsageError, r"line 2: metadata\.name is missing"),
        (("kind: Pod", "kind: 5"), UsageError, r"line 3: kind is missing or is not text"),
        (
            ("  name: bad", "  name: bad\n  namespace: elsewhere"),
            ApiError,
            r"line 6: There is no namespace elsewhere",
        ),
    ],
)
def test_errors_name_the_users_own_lines(space, change, error, words):
    text = POD_TEXT.format(name="bad").replace(*change)
    with pytest.raises(error, match=words):
        apply(space, text, source_map=SourceMap.shifted(30, 1))


def test_what_cannot_be_changed_is_named_with_its_line_and_the_cure(space):
    text = POD_TEXT.format(name="fixed")
    apply(space, text)
    assert done(apply(space, text.replace("image: busybox", "image: busybox:latest"))) == [
        ("Pod", "fixed", "configured")
    ]
    changed = text.replace("image: busybox", "image: busybox:1").replace('"600"', '"900"')
    with pytest.raises(ApiError) as caught:
        apply(space, changed, source_map=SourceMap.shifted(30, 1))
    assert caught.value.message == "line 10: spec.containers[0].args cannot be changed once Pod fixed exists."
    delete = f"`%kpod delete fixed -n {space.namespace}`"
    assert caught.value.cure == f"Delete it first ({delete}) and run this again, or give the new one another name."
    text = DEPLOYMENT.format(replicas=0).replace("scaled", "fixed").replace("settings", "fixed")
    apply(space, text)
    with pytest.raises(ApiError) as caught:
        apply(space, text.replace("app: fixed", "app: other"))
    message = "line 13: spec.selector.matchLabels.app cannot be changed once Deployment fixed exists."
    assert caught.value.message == f"{message} Nothing was applied."
    assert f"`{space.commands.kubectl('delete', 'deployment', 'fixed')}`" in caught.value.cure


TEMPLATE = "{metadata: {labels: {app: x}}, spec: {restartPolicy: %s, containers: [{name: c, image: busybox}]}}"


@pytest.mark.parametrize(
    ("kind", "body", "change", "line"),
    [
        ("v1 ConfigMap", "immutable: true\ndata:\n  colour: blue", ("blue", "red"), "line 6: data.colour"),
        (
            "batch/v1 Job",
            f"spec:\n  suspend: true\n  template: {TEMPLATE % 'Never'}",
            ("busybox", "other"),
            "line 6: spec.template.spec.containers[0].image",
        ),
        (
            "apps/v1 StatefulSet",
            (
                "spec:\n  replicas: 0\n  serviceName: a\n  selector: {matchLabels: {app: x}}\n"
                f"  template: {TEMPLATE % 'Always'}"
            ),
            ("serviceName: a", "serviceName: b"),
            "line 6: spec.serviceName",
        ),
        (
            "v1 PersistentVolumeClaim",
            "spec:\n  accessModes: [ReadWriteOnce]\n  storageClassName: none\n  resources: {requests: {storage: 1}}",
            ("ReadWriteOnce", "ReadWriteMany"),
            "line 5: spec.accessModes",
        ),
    ],
)
def test_fixed_fields_of_other_kinds(space, kind, body, change, line):
    version, kind = kind.split()
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: fixed-{kind.lower()}}}\n{body}\n"
    apply(space, text)
    with pytest.raises(ApiError) as caught:
        apply(space, text.replace(*change))
    assert caught.value.message == f"{line} cannot be changed once {kind} fixed-{kind.lower()} exists."
    assert space.commands.kubectl("delete", kind.lower(), f"fixed-{kind.lower()}") in caught.value.cure


def test_similar_kinds_are_suggested(space):
    with pytest.raises(UsageError) as caught:
        apply(space, POD_TEXT.format(name="x").replace("kind: Pod", "kind: Deployment"))
    assert caught.value.cure == "Did you mean apps/v1 Deployment?"


def test_a_namespace_that_differs_from_the_calls_is_refused_before_anything_is_sent(kubernetes, space, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    monkeypatch.setattr(settings, "namespace", "default")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: spaced}\n"
    other = text + "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: spaced\n  namespace: kube-system\n"
    with pytest.raises(UsageError, match=f"line 10: the manifest's namespace is 'kube-system', .* '{space.namespace}'"):
        Cluster(namespace=space.namespace).apply(other, source_map=SourceMap.shifted(30, 1))
    assert not space.run(
        space.request("GET", f"/api/v1/namespaces/{space.namespace}/configmaps?fieldSelector=metadata.name=spaced")
    )["items"]
    named = f"{text.replace('{name: spaced}', f'{{name: spaced, namespace: {space.namespace}}}')}"
    (change,) = Cluster().apply(named, dry_run=True)  # a setting does not count as naming it in the call
    assert change.namespace == space.namespace


def test_nothing_is_sent_unless_all_is_understood(space):
    text = POD_TEXT.format(name="first") + "---\n" + POD_TEXT.format(name="second").replace("kind: Pod", "kind: Nope")
    with pytest.raises(UsageError, match="line 12"):
        apply(space, text)
    with pytest.raises(ApiError, match="not found"):
        space.run(space.request("GET", POD.path(space.namespace, "first")))


def test_a_custom_kind_is_found_after_it_was_made(space):
    group = f"{space.namespace}.example"
    definition = f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}}}
spec:
  group: {group}
  names: {{plural: widgets, singular: widget, kind: Widget}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"""
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"
    try:
        assert done(apply(space, definition)) == [("CustomResourceDefinition", f"widgets.{group}", "created")]
        space.run(_served(space, group))
        text = f"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nsize: 3\n"
        assert done(apply(space, text)) == [("Widget", "one", "created")]
    finally:
        space.run(space.request("DELETE", path))


async def _served(cluster, group):
    """Wait until discovery lists it, which takes a moment after the definition is "Established"."""
    for _ in range(400):
        if await find_kind(cluster, f"{group}/v1", "Widget"):
            return
        await asyncio.sleep(0.05)


def test_a_reader_may_not_apply(viewer):
    with pytest.raises(Forbidden, match='cannot patch resource "pods"'):
        apply(viewer, POD_TEXT.format(name="x"))
