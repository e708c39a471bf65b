"""Commands in a pod that is named by what it belongs to."""

import os

import pytest

from nbcontainer.errors import CommandFailed, NotFound, UsageError
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from tests.clusters.test_port_forward import served as served  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("name", ["kube", "kpod"])
def test_a_deployment_s_pod_runs_the_command_and_its_input_is_bytes(served, name):
    def magic(line, cell=None):
        return run_magic(verbs_of(name), f"exec -n {served.namespace} {line}", cell, {})

    told = magic("deploy/served -- hostname")
    assert told.output.startswith("served-")
    assert f"kubectl --context nbc -n {served.namespace}" in told.command
    assert told.command.endswith("exec deploy/served -- hostname")
    assert magic("svc/served -- hostname").output == told.output
    assert magic("-i deploy/served -- wc -l", "one\ntwo\n").output.strip() == "2"
    with pytest.raises(CommandFailed) as failed:
        magic("deploy/served -- sh -c 'exit 7'")
    assert failed.value.exit_code == 7


def test_any_bytes_of_an_input_arrive(served):
    sent = os.urandom(300_000)
    told = served.pods.exec("deploy/served", "md5sum", stdin=sent).result(60)
    again = served.pods.exec("deploy/served", "sh -c 'cat > /tmp/got; md5sum < /tmp/got'", stdin=sent).result(60)
    assert told.output == again.output


def test_what_has_no_pod_says_so(served):
    with pytest.raises(NotFound, match="There is no deployment nosuch"):
        served.pods.exec("deploy/nosuch", "true").result(30)
    with pytest.raises(UsageError, match="A ConfigMap has no pods"):
        served.pods.exec("configmap/kube-root-ca.crt", "true").result(30)
