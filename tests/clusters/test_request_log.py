"""With the log on, each request on the wire to an API server is one line, and none has a secret."""

import logging
import re
from collections import Counter

import pytest

from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.deletion import delete
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.kubeconfig import read_access
from nbcontainer.clusters.logs import logs
from nbcontainer.clusters.pods import create
from nbcontainer.clusters.tables import table
from nbcontainer.errors import AuthFailed
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from tests.clusters.breaking_proxy import BreakingProxy
from tests.clusters.test_broken_streams import bound_token
from tests.clusters.test_tables import until

LINE = re.compile(r"([A-Z]+ /[^\s?]*) (\d{3}|[A-Z]\w+) \d+ ms proxied")


def lines(caplog, *, answered):
    """How often each method and path is in the log: all, or those of requests that had an answer."""
    found = [
        LINE.fullmatch(record.getMessage())
        for record in caplog.records
        if record.name.startswith("nbcontainer.clusters")
    ]
    assert all(found), caplog.text
    return Counter(line[1] for line in found if line[2].isdigit() or not answered)


def sent(proxy):
    """How often each method and path was on the wire."""
    return Counter(re.match(r"[A-Z]+ [^\s?]*", request.decode())[0] for request in proxy.requests)


def are_one_line_each(proxy, caplog):
    """A request that was abandoned before its reply has a line, too, but may not have been on the wire."""
    return lines(caplog, answered=True) <= sent(proxy) <= lines(caplog, answered=False)


def test_each_request_to_a_cluster_is_one_line_without_secrets(kubernetes, space, monkeypatch, tmp_path, caplog):
    token, _ = bound_token(space, "request-log")
    monkeypatch.setenv("KUBECONFIG", kubernetes.env()["KUBECONFIG"])
    proxy = BreakingProxy(read_access(), anonymous=True)
    monkeypatch.setenv("KUBECONFIG", str(proxy.kubeconfig(tmp_path / "proxied.conf", {"token": token})))
    caplog.set_level(logging.DEBUG)  # of all loggers: those of our libraries must not leak it either
    cluster = find_cluster("", space.namespace)
    command = ("sh", "-c", "trap exit TERM; echo hidden-command; while sleep 0.2; do :; done")
    create(cluster, PodRequest("told", "busybox", command=command, environment={"A": "hidden-value"})).result(90)
    table(cluster)
    execute(cluster, ExecRequest("told", ("echo", "hidden-exec"))).result(30)
    logs(cluster, LogRequest(("told",))).result(30)
    delete(cluster, ["told"]).result(60)
    until(lambda: are_one_line_each(proxy, caplog))
    assert len(proxy.requests) > 6
    assert any("/exec" in line for line in lines(caplog, answered=True))
    assert any("/log" in line for line in lines(caplog, answered=True))
    for hidden in (token, token.split(".")[1], "hidden-command", "hidden-value", "hidden-exec"):
        assert hidden not in caplog.text
    proxy.close()


def test_a_token_that_is_refused_is_in_no_line(own_cluster, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("KUBECONFIG", str(own_cluster.kubeconfig()))
    proxy = BreakingProxy(read_access(), anonymous=True)
    monkeypatch.setenv("KUBECONFIG", str(proxy.kubeconfig(tmp_path / "proxied.conf", {"token": "hidden-token"})))
    caplog.set_level(logging.DEBUG)
    cluster = find_cluster("", "default")
    with pytest.raises(AuthFailed):
        table(cluster)
    with pytest.raises(AuthFailed):
        cluster.run(cluster.request("GET", "/api/v1/pods"))
    assert lines(caplog, answered=True) == sent(proxy)
    assert "401" in caplog.text
    assert "hidden-token" not in caplog.text
    proxy.close()
