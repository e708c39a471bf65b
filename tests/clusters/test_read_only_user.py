"""What a user who may only read is told: every verb that changes something is refused in words, with the `can-i`."""

from operator import attrgetter

import pytest

from nbcontainer.api.cluster import Cluster
from nbcontainer.clusters.pods import create
from nbcontainer.errors import Forbidden
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.pods import PodRequest
from nbcontainer.protection import is_marked
from tests.clusters.applying import apply
from tests.clusters.test_creation import make_certificate
from tests.clusters.test_every_command import DEPLOYMENT, LINES, VERBS
from tests.clusters.test_tables import until

CHANGES = [verb for verb in VERBS if is_marked(attrgetter(verb.calls or verb.same_as)(Cluster()))]
OTHERWISE = {  # where the verb's line in LINES changes nothing, or needs what is not there
    "%kpod debug": ("made --image=busybox -- true", None),
    "%kube debug": ("made --image=busybox -- true", None),
    "%kube edit": ("pod/made", "apiVersion: v1\nkind: Pod\nmetadata: {name: made, labels: {a: b}}\n"),
    "%kube rollout undo": ("deploy/renewed", None),
    "%kube rollout resume": ("deploy/paused", None),
}


@pytest.fixture(scope="module")
def filled(space):
    """A namespace with a pod and Deployments: one that is paused, one that has a revision before its own."""
    create(space, PodRequest("made", "busybox", command=("sleep", "600"))).result(90)
    renewed = DEPLOYMENT.replace("name: made}\nspec", "name: renewed}\nspec")
    paused = DEPLOYMENT.replace("name: made}\nspec", "name: paused}\nspec").replace("replicas: 0", "paused: true")
    for text in (DEPLOYMENT, renewed, paused):
        apply(space, text)
    replica_sets = f"/apis/apps/v1/namespaces/{space.namespace}/replicasets"
    until(lambda: any("renewed" in one["metadata"]["name"] for one in space.call("GET", replica_sets)["items"]))
    apply(space, renewed.replace("image: busybox", "image: busybox:1"))
    until(lambda: sum("renewed" in one["metadata"]["name"] for one in space.call("GET", replica_sets)["items"]) > 1)
    return space


@pytest.mark.usefixtures("viewer")
@pytest.mark.parametrize("verb", CHANGES, ids=lambda verb: verb.title)
def test_a_change_is_refused_in_words_with_the_question_that_asks_for_it(filled, verb, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    make_certificate(tmp_path)
    line, cell = OTHERWISE.get(verb.title) or LINES[verb.title]
    line = f"{verb.path} -n {filled.namespace} {line.replace('--dry-run=client', '')}"
    with pytest.raises(Forbidden, match=r"(User \"viewer\"|this user: it) cannot \w+ ") as caught:
        run_magic(verbs_of(verb.title.split()[0].lstrip("%")), line, cell, {})
    assert " auth can-i " in caught.value.cure
    assert "Traceback" not in str(caught.value)
