"""The small calls of the Control service on a real Engine."""

import pytest

from nbcontainer.buildkit import Build, Code, Control, RpcError
from nbcontainer.engines.dial import dial
from tests.buildkit.building import ask, options, services


def test_an_unknown_session_does_not_wait_forever(engine):
    request = options().request("a-ref-of-nobody", "a-session-of-nobody")
    with pytest.raises(RpcError):
        engine.solve(request, timeout=10)


def test_a_socket_that_speaks_no_grpc(docker):
    """The same engine without the upgrade: Docker 28 speaks HTTP/2 there, but does not know the call."""
    with Control(lambda: dial(docker.host)) as control, pytest.raises(RpcError) as caught:
        ask(control)
    assert caught.value.code in (Code.UNAVAILABLE, Code.UNIMPLEMENTED)


def test_no_daemon(tmp_path):
    with Control(lambda: dial(f"unix://{tmp_path}/nosuch.sock")) as control:
        with pytest.raises(RpcError) as caught:
            ask(control)
        assert caught.value.code is Code.UNAVAILABLE
        with pytest.raises(RpcError) as caught:
            Build(control, options(), services("FROM busybox")).run()
        assert caught.value.code is Code.UNAVAILABLE
