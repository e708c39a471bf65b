"""The test cluster's DNS: pods reach a Service by its name."""

import json

import pytest

from nbcontainer.errors import CommandFailed

pytestmark = pytest.mark.timeout(120)

SERVER = "echo hello from $HOSTNAME > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"


def test_a_pod_reaches_a_service_by_name(here):
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "greeter"},
        "spec": {"selector": {"app": "greeter"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    here.apply(json.dumps(service))
    here.pods.create("greeter", "busybox", command=["sh", "-c", SERVER], labels={"app": "greeter"}).result(90)
    here.pods.create("caller", "busybox", command=["sleep", "600"]).result(90)
    for name in ("greeter", f"greeter.{here.namespace}", f"greeter.{here.namespace}.svc.cluster.local"):
        script = f"for i in $(seq 50); do wget -qO- http://{name} && exit; sleep 0.1; done; exit 1"
        assert here.pods.exec("caller", ["sh", "-c", script]).result(30).output == "hello from greeter\n"
    with pytest.raises(CommandFailed, match="bad address 'greetings'"):
        here.pods.exec("caller", ["wget", "-qO-", "http://greetings"]).result(30)
    assert not here.get("events", field_selector="reason=MissingClusterDNS")
