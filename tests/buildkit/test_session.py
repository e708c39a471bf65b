"""What a daemon requests from its client: between two ends in this process, and from a real Engine."""

import base64
import contextlib
import json
import socket
import tarfile
import threading
import time
import urllib.parse

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nbcontainer.buildkit import Code, Entry, Login, RpcError, Services, Session, SolveError, Tree
from nbcontainer.buildkit.destination import replacement
from nbcontainer.buildkit.filestat import DIRECTORY, SYMLINK
from nbcontainer.buildkit.filesync import TransferError
from nbcontainer.buildkit.frontend import entry, local_context
from nbcontainer.buildkit.messages import (
    AuthorityRequest,
    Bytes,
    Credentials,
    Empty,
    GetSecretRequest,
    HealthStatus,
    Host,
    Packet,
    SshId,
    Stat,
    TokenRequest,
    VerifyRequest,
)
from nbcontainer.buildkit.rpc import Client
from nbcontainer.buildkit.session import OutputError
from nbcontainer.buildkit.tokens import fetch_token
from tests.buildkit.building import build, output_of, unique
from tests.buildkit.canary import Canary
from tests.buildkit.streams import pair

AUTH = "/moby.filesync.v1.Auth/"
SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"


@contextlib.contextmanager
def asked(offered, **more):
    """A session, and the daemon's side of it."""
    ours, theirs = pair()
    session, daemon = Session(offered, **more), Client(lambda: theirs)
    session.attach(ours)
    try:
        yield session, daemon
    finally:
        daemon.close()
        session.close()


def unary(daemon, method, request, answer):
    return answer.decode(daemon.unary(method, request.encode(), timeout=10))


def test_a_session_announces_its_methods():
    with asked(Services(secrets={"a": lambda: b"x"}), shared_key="/home/ä") as (session, daemon):
        assert unary(daemon, "/grpc.health.v1.Health/Check", Empty(), HealthStatus).status == 1
        methods = [value for name, value in session.headers if name.endswith("-method")]
        assert SECRET in methods
        assert "/moby.filesync.v1.FileSync/DiffCopy" not in methods
        headers = dict(session.headers)
        assert headers["x-docker-expose-session-uuid"] == session.id
        assert all(value.isascii() for value in headers.values())
        assert len(headers["x-docker-expose-session-sharedkey"]) == 64
    assert dict(Session(Services()).headers)["x-docker-expose-session-sharedkey"] == ""


def test_secrets_are_read_when_asked_for_and_leak_nowhere():
    read = []

    def fails():
        raise ValueError("hunter2")

    offered = Services(
        secrets={"a": lambda: read.append("a") or b"hunter2", "none": lambda: None, "fails": fails},
        login=lambda _: Login("alice", "hunter2"),
    )
    with asked(offered) as (_, daemon):
        assert not read
        assert unary(daemon, SECRET, GetSecretRequest(id="a"), Bytes).data == b"hunter2"
        assert read == ["a"]
        for name in ("none", "fails", "other"):
            with pytest.raises(RpcError) as caught:
                unary(daemon, SECRET, GetSecretRequest(id=name), Bytes)
            assert name in caught.value.message
            assert "hunter2" not in caught.value.message
            assert caught.value.code is (Code.UNKNOWN if name == "fails" else Code.NOT_FOUND)
    assert "hunter2" not in repr(offered) + repr(Login("alice", "hunter2")) + repr(Login.identity_token("hunter2"))


def test_logins_are_asked_for_once_per_host():
    hosts = []

    def login(host):
        hosts.append(host)
        if host == "broken":
            raise ValueError("hunter2")
        return Login("alice", "secret") if host == "known" else None

    with asked(Services(login=login)) as (_, daemon):
        for _ in range(3):
            found = unary(daemon, AUTH + "Credentials", Host(host="known"), Credentials)
            assert (found.username, found.secret) == ("alice", "secret")
            assert unary(daemon, AUTH + "Credentials", Host(host="other"), Credentials) == Credentials()
        with pytest.raises(RpcError, match="broken") as caught:
            unary(daemon, AUTH + "Credentials", Host(host="broken"), Credentials)
        assert "hunter2" not in caught.value.message
    assert hosts == ["known", "other", "broken"]


def test_the_token_authority_signs_with_the_key_that_it_names():
    with asked(Services(login=lambda _: Login("a", "b"))) as (_, daemon):
        request = AuthorityRequest(host="h", salt=b"salt")
        key = unary(daemon, AUTH + "GetTokenAuthority", request, Bytes).data
        proof = VerifyRequest(host="h", payload=b"payload", salt=b"salt")
        signed = unary(daemon, AUTH + "VerifyTokenAuthority", proof, Bytes).data
        assert signed[64:] == b"payload"
        Ed25519PublicKey.from_public_bytes(key).verify(signed[:64], b"payload")
        other = AuthorityRequest(host="h", salt=b"other")
        assert unary(daemon, AUTH + "GetTokenAuthority", other, Bytes).data != key
    with asked(Services(token_authority=False)) as (_, daemon):
        with pytest.raises(RpcError) as caught:
            unary(daemon, AUTH + "GetTokenAuthority", AuthorityRequest(host="h"), Bytes)
        assert caught.value.code is Code.UNIMPLEMENTED


def test_ssh_agents_are_joined(tmp_path):
    path = tmp_path / "agent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def echo():
            connected, _ = listener.accept()
            with connected:
                while data := connected.recv(100):
                    connected.sendall(data.upper())

        threading.Thread(target=echo, daemon=True).start()
        with asked(Services(ssh={"default": str(path)})) as (_, daemon):
            unary(daemon, "/moby.sshforward.v1.SSH/CheckAgent", SshId(id="default"), Empty)
            with pytest.raises(RpcError, match="'other'"):
                unary(daemon, "/moby.sshforward.v1.SSH/CheckAgent", SshId(id="other"), Empty)
            requests = [Bytes(data=b"hello ").encode(), Bytes(data=b"agent").encode()]
            answers = daemon.stream("/moby.sshforward.v1.SSH/ForwardAgent", requests)
            assert b"".join(Bytes.decode(answer).data for answer in answers) == b"HELLO AGENT"
    path.unlink()
    with asked(Services(ssh={"default": str(path)})) as (_, daemon), pytest.raises(RpcError, match="cannot be reached"):
        list(daemon.stream("/moby.sshforward.v1.SSH/ForwardAgent", []))


def test_a_step_reads_secrets_and_an_ssh_agent(engine, tmp_path):
    news, reported = [], []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "agent"))
        listener.listen()
        build(
            engine,
            f"FROM busybox\nRUN --mount=type=secret,id=token --mount=type=ssh echo {unique()} && "
            "sha256sum /run/secrets/token && test -S $SSH_AUTH_SOCK",
            offered={
                "secrets": {"token": lambda: b"hunter2", "unused": lambda: 1 / 0},
                "ssh": {"default": str(tmp_path / "agent")},
                "on_request": lambda kind, subject: reported.append((kind, subject)),
            },
            news=news,
        )
    assert b"f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7" in output_of(news)
    assert ("secret", "token") in reported
    assert ("directory", "dockerfile") in reported
    assert "hunter2" not in repr(reported)


def test_a_named_context(engine):
    word, news = unique(), []
    name, value = local_context("other")
    build(
        engine,
        "FROM busybox\nCOPY --from=other f /f\nRUN cat /f",
        offered={"trees": {name: Tree(files={"f": word})}},
        news=news,
        contexts={"other": value},
    )
    assert word in output_of(news).decode()


def test_an_output_as_a_tar(engine, tmp_path):
    word = unique()
    target = tmp_path / "out.tar"
    offered = {"outputs": {"0": lambda: target.open("wb")}}
    build(engine, f"FROM busybox\nRUN echo {word} > /word", exporters=[Entry(type="tar")], offered=offered)
    with tarfile.open(target) as tar:
        assert tar.extractfile("word").read().decode() == f"{word}\n"


def test_an_output_as_a_folder(engine, tmp_path):
    word = unique()
    offered = {"output_folders": {"0": tmp_path / "out"}}
    dockerfile = (
        f"FROM busybox AS a\nRUN mkdir /d && echo {word} > /d/w && ln -s w /d/l\nFROM scratch\nCOPY --from=a /d /d"
    )
    build(engine, dockerfile, exporters=[Entry(type="local")], offered=offered)
    assert (tmp_path / "out/d/w").read_text() == f"{word}\n"
    assert (tmp_path / "out/d/l").readlink().name == "w"


def test_an_output_that_cannot_be_written(engine, tmp_path):
    offered = {"outputs": {"0": lambda: (tmp_path / "no" / "such").open("wb")}}
    with pytest.raises(OutputError, match="no/such cannot be written: No such file or directory"):
        build(engine, "FROM busybox", exporters=[Entry(type="tar")], offered=offered)


def test_an_output_on_a_full_disk(engine):
    with pytest.raises(OutputError, match="it cannot be written: No space left on device"):
        build(
            engine,
            "FROM busybox",
            exporters=[Entry(type="tar")],
            offered={"outputs": {"0": lambda: replacement("/dev/full")}},
        )


def test_a_missing_output_is_an_error_even_after_a_good_build(engine, tmp_path):
    offered = {"output_folders": {"0": tmp_path / "out", "1": tmp_path / "other"}}
    with pytest.raises(OutputError, match="the daemon sent no result"):
        build(engine, "FROM busybox", exporters=[Entry(type="local")], offered=offered)


def test_an_output_of_nothing_at_all(engine, tmp_path):
    offered = {"output_folders": {"0": tmp_path / "out"}}
    build(engine, "FROM scratch", exporters=[Entry(type="local")], offered=offered)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("last", [b"", b"half"])
def test_an_output_that_a_daemon_breaks_off_is_not_whole(last, tmp_path):
    session = Session(Services(output_folders={"0": tmp_path / "out"}))
    packets = [Packet(type=0, stat=Stat(path="f", mode=0o644)), Packet(type=0), Packet(type=2, id=0, data=last)]
    answers = session._receive_output(iter([packet.encode() for packet in packets[: 2 + bool(last)]]), {})
    with contextlib.suppress(TransferError):
        list(answers)
    assert "before it had sent the whole result" in session.output_error(built=True).message


def test_a_daemon_cannot_use_up_the_descriptors_of_this_process_by_many_calls(tmp_path):
    packets = [Packet(stat=Stat(path="a", mode=0o644)).encode(), Packet(type=2, data=b"x").encode()]
    session = Session(Services(output_folders={"0": tmp_path}))
    calls = [session._receive_output(iter(packets), {}) for _ in range(17)]
    for call in calls[:16]:
        next(call)
    with pytest.raises(TransferError, match="more than 16 results at the same time"):
        next(calls[16])
    for call in calls:
        call.close()
    next(call := session._receive_output(iter(packets), {}))
    call.close()
    assert "more than 16 results" in str(session.output_error(built=True))


def test_a_hostile_daemons_requests_are_refused_and_the_build_fails(tmp_path):
    canary = Canary(tmp_path)
    stats = [Stat(path="a", mode=DIRECTORY | 0o777), Stat(path="a", mode=SYMLINK, linkname="../outside")]
    packets = [Packet(type=0, stat=stat).encode() for stat in [*stats, Stat(path="a/new", mode=0o644)]]
    with asked(Services(output_folders={"0": canary.target})) as (session, daemon):
        with pytest.raises(RpcError, match="the daemon listed 'a' twice"):
            list(daemon.stream("/moby.filesync.v1.FileSend/DiffCopy", packets, timeout=10))
        assert session.output_error(built=True).message == "the daemon listed 'a' twice"
    canary.check()


# --- registries


@pytest.fixture(scope="module")
def registries():
    """The registry with a password, and the one with tokens."""
    module = pytest.importorskip("tests.environment.registries")
    found = module.PasswordRegistry(), module.TokenRegistry()
    for part in found:
        if not part.status():
            pytest.skip(f"{part.name}: {part.status().detail}")
    return found


def token_request(registry, scope="repository:nbcontainer/test:pull,push"):
    return TokenRequest(host=registry.address, realm=registry.realm, service=registry.name, scopes=[scope])


def granted(token):
    body = token.token.split(".")[1]
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()


def test_tokens(registries):
    _, registry = registries
    token = fetch_token(token_request(registry), Login("alice", "secret"))
    assert token.expires_in > 0
    assert abs(token.issued_at - time.time()) < 5
    assert '"push"' in granted(token)
    assert '"push"' not in granted(fetch_token(token_request(registry), None))
    for wrong in (Login("alice", "hunter2"), Login.identity_token("hunter2")):
        with pytest.raises(RpcError, match="HTTP 401") as caught:
            fetch_token(token_request(registry), wrong)
        assert caught.value.code is Code.UNAUTHENTICATED
        assert "hunter2" not in caught.value.message


def test_tokens_by_an_identity_token(registries):
    _, registry = registries
    query = urllib.parse.urlencode({"service": registry.name, "offline_token": "true"})
    http = pytest.importorskip("tests.environment.http_requests")
    basic = pytest.importorskip("tests.environment.registries").basic()
    answer = http.request(f"{registry.realm}?{query}", headers=basic)
    refresh = json.loads(answer.body)["refresh_token"]
    assert '"push"' in granted(fetch_token(token_request(registry), Login.identity_token(refresh)))


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "nonsense", "", "http://127.0.0.1:1/token", "http://[/"])
def test_invalid_token_services(realm):
    with pytest.raises(RpcError):
        fetch_token(TokenRequest(host="h", realm=realm), None)


@pytest.mark.parametrize("authority", [True, False])
@pytest.mark.parametrize("which", ["password", "token"])
def test_pushes_and_pulls_that_ask_for_a_login(buildkitd, registries, which, authority):
    """End to end: an image is pushed to a registry with a login, and pulled back."""
    registry = registries[which == "token"]
    reported, news, word = [], [], unique()
    name = f"{registry.address}/nbcontainer/test:{word}"
    offered = {
        "login": lambda _: Login("alice", "secret"),
        "token_authority": authority,
        "on_request": lambda kind, subject: reported.append((kind, subject)),
    }
    push = entry(f"type=image,name={name},push=true")
    build(buildkitd, f"FROM busybox\nRUN echo {word} > /word", exporters=[push], offered=offered)
    assert ("token" if authority and which == "token" else "credentials", registry.address) in reported
    build(buildkitd, f"FROM {name}\nRUN cat /word", offered=offered, news=news, no_cache=True)
    assert word in output_of(news).decode()


@pytest.mark.parametrize("which", ["password", "token"])
def test_a_wrong_password(buildkitd, registries, which):
    registry = registries[which == "token"]
    push = entry(f"type=image,name={registry.address}/nbcontainer/test:wrong,push=true")
    offered = {"login": lambda _: Login("alice", "hunter2")}
    with pytest.raises(SolveError, match=r"401|[Uu]nauthorized|insufficient") as caught:
        build(buildkitd, f"FROM busybox\nRUN echo {unique()}", exporters=[push], offered=offered)
    assert "hunter2" not in str(caught.value)


def test_a_base_image_behind_a_login_on_an_engine(engine, registries):
    password, tokens = registries
    reported = []
    offered = {
        "on_request": lambda kind, subject: reported.append((kind, subject)),
        "login": lambda _: Login("alice", "secret"),
    }
    build(engine, f"FROM {tokens.address}/library/busybox\nRUN echo {unique()}", offered=offered, pull=True)
    assert ("token", tokens.address) in reported
    with pytest.raises(SolveError) as caught:
        build(engine, f"FROM {password.address}/nosuch/image", offered=offered, pull=True)
    assert caught.value.lines == (1,)
    assert ("credentials", password.address) in reported
