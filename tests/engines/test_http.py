import gc
import threading
import time
import warnings

import pytest

from nbcontainer import byte_stream
from nbcontainer.engines import connection
from nbcontainer.engines.dial import dial
from nbcontainer.engines.failures import api_error, plain
from nbcontainer.engines.http import Http, quoted
from nbcontainer.errors import ApiError, Conflict, EngineUnavailable, Forbidden, NotFound, UsageError
from nbcontainer.settings import settings
from tests.engines.peers import PING, Middleman, Speaker, chunked, reply, unix_connect, unix_listener


@pytest.fixture
def speak(tmp_path):
    """Starts a server with these replies, and returns calls to it."""
    open_ones = []

    def start(*answers, stay=False):
        speaker = Speaker(tmp_path / f"{len(open_ones)}.sock", *answers, stay=stay)
        open_ones.append(speaker)
        return Http(lambda: dial(speaker.address), where="the engine")

    yield start
    for speaker in open_ones:
        speaker.__exit__()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak"),
        (b"\x00\xff\x15\x03\x01", "does not speak"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", r"does not speak|broke"),
        (reply("200 OK", b"<html>hello</html>"), "not JSON"),
        (reply("200 OK", b"[" * 100_000), "not JSON"),
        (reply("302 Found", b"", "Location: http://elsewhere/"), "302"),
        (
            reply("502 Bad Gateway", b"<html><title>Bad \x1b[31mgateway</title>", "Content-Type: text/html"),
            "web page: 'Bad gateway'",
        ),
        (reply("500 Error", b'{"message": "went \\u001b[31mwrong\\u202e"}'), "went wrong$"),
        (reply("500 Error", b""), "answered 500"),
    ],
)
def test_garbage_is_an_error_that_says_so(speak, answer, words):
    with pytest.raises((ApiError, EngineUnavailable), match=words) as caught:
        speak(answer).json("GET", "/x", timeout=5)
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


def test_a_truncated_reply_is_not_a_success(speak):
    answer = reply("201 Created", b'{"Id": "4f5a"}', "Content-Type: application/json")
    assert speak(answer).json("POST", "/x") == {"Id": "4f5a"}
    for length in range(1, len(answer)):
        with pytest.raises((ApiError, EngineUnavailable), match=r"broke off|does not speak"):
            speak(answer[:length]).json("POST", "/x")


def test_a_request_that_may_have_been_done_is_not_repeated(tmp_path):
    kept = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with (
        Speaker(tmp_path / "s", kept, stay=True) as speaker,
        Middleman(unix_listener(tmp_path / "m"), unix_connect(speaker.address)) as middleman,
    ):
        http = Http(lambda: dial(f"unix://{tmp_path / 'm'}"), where="the engine")
        assert http.json("GET", "/1") == {}
        middleman.limit("sent", 1)  # the next data arrives, and then the connection breaks
        with pytest.raises(EngineUnavailable, match=r"closed the connection|broke"):
            http.json("POST", "/2")
    assert [received.split()[0] for received in speaker.received] == [b"GET"]


@pytest.mark.parametrize("hijacked", [False, True])
def test_a_stream_of_an_engine_that_froze_ends(tmp_path, monkeypatch, hijacked):
    monkeypatch.setattr(settings, "connect_timeout", 0.3)
    monkeypatch.setattr(byte_stream, "SILENT_SECONDS", 0.3)
    head = b"HTTP/1.1 101 UPGRADED\r\n\r\n" if hijacked else b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        Speaker(tmp_path / "s", head, PING, stay=True) as speaker,
        Middleman(unix_listener(tmp_path / "m"), unix_connect(speaker.address)) as middleman,
    ):
        http = Http(lambda: dial(f"unix://{tmp_path / 'm'}"), where="the engine")
        stream = http.hijack("/x")[0] if hijacked else http.stream("GET", "/x")
        ended = []

        def wait():
            with stream, pytest.raises((EngineUnavailable, OSError)) as caught:
                stream.recv() if hijacked else stream.read()
            ended.append(caught.value)

        reader = threading.Thread(target=wait)
        reader.start()
        while len(speaker.received) < 3:  # the stream is silent, but the engine answers the ping
            assert not ended
            time.sleep(0.05)
        middleman.freeze()
        reader.join(10)
        assert "the engine does not answer" in str(ended[0])


def test_an_engine_that_freezes_during_a_request_is_detected(speak, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 0.3)
    pieces = (bytes(1 << 20) for _ in range(100))  # more than the sockets' buffers hold
    with pytest.raises(EngineUnavailable, match="does not answer"):
        speak(b"", stay=True).stream("POST", "/build", body=pieces, timeout=None)


def test_silence_ends_after_the_timeout(speak):
    with pytest.raises(ApiError, match=r"did not answer within 0\.2 s"):
        speak(b"", stay=True).json("GET", "/x", timeout=0.2)


def test_a_frozen_engine_is_detected_by_a_ping(speak, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 0.2)
    started = time.monotonic()
    with pytest.raises(EngineUnavailable, match="does not answer") as caught:
        speak(b"", stay=True).json("GET", "/x")
    assert "doctor" in caught.value.cure
    assert time.monotonic() - started < 5


def test_one_that_is_only_slow_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 0.2)
    asked = []
    with (
        Middleman(unix_listener(tmp_path / "m"), unix_connect(f"unix://{tmp_path / 's'}")) as middleman,
        Speaker(tmp_path / "s", reply("200 OK", b"{}")) as speaker,
    ):

        def dial_anew():  # the call goes through a proxy that holds it back, the ping does not
            asked.append(1)
            if len(asked) == 1:
                middleman.freeze()
                return dial(f"unix://{tmp_path / 'm'}")
            middleman.thaw()
            return dial(speaker.address)

        assert Http(dial_anew, where="the engine").json("GET", "/x") == {}
    assert len(asked) == 2


@pytest.mark.parametrize(("status", "kind"), [(403, Forbidden), (404, NotFound), (409, Conflict), (500, ApiError)])
def test_statuses_become_errors_with_the_engines_words(speak, status, kind):
    with pytest.raises(kind, match="no such thing") as caught:
        speak(reply(f"{status} Word", b'{"message": "no such thing"}')).call("GET", "/x")
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("cause", "kind"),
    [("no such container", NotFound), ("that name is already in use", Conflict), ("anything else", ApiError)],
)
def test_podmans_causes_become_errors(cause, kind):
    found = api_error(500, f'{{"cause": "{cause}", "message": "said", "response": 500}}'.encode(), {}, "Podman")
    assert type(found) is kind
    assert str(found) == "said"


@pytest.mark.parametrize("name", ["", ".", "..", "../../containers/json", "team//app", "/app", "app/"])
def test_a_name_that_would_lead_elsewhere_is_refused(name):
    assert quoted("team/app:1@sha256:a b") == "team/app:1@sha256:a%20b"
    with pytest.raises(UsageError, match="is not a valid name"):
        quoted(name)


def test_what_does_not_exist_has_a_cure():
    found = api_error(404, b'{"message": "No such container: gone"}', {}, "the engine")
    assert (type(found), found.cure) == (NotFound, "`%docker ps -a` lists them.")


def test_a_kept_connection_that_was_closed_is_dialled_again(speak):
    # the server promises to keep the connection, and closes it
    http = speak(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert http.json("GET", "/1") == {}
    assert http.json("GET", "/2") == {}


def test_calls_that_are_forgotten_close_the_connection_that_was_kept(tmp_path):
    with Speaker(tmp_path / "s", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", stay=True) as speaker:
        streams = [dial(speaker.address)]  # older than its owner: the garbage collector reaches it first
        gc.collect()
        http = Http(streams.pop, where="the engine")
        http.cycle = http
        assert http.json("GET", "/1") == {}
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            del http
            gc.collect()
    assert [str(one.message) for one in warned] == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (chunked(b'{"a": 1}\n', end=False), EngineUnavailable, "broke off"),
        (chunked(b'{"a": 1}\n')[:-20], EngineUnavailable, "broke off"),
        (chunked(b'{"a": 1}\n', b"<html>\n"), ApiError, "not JSON"),
        (chunked(b'{"a": 1}\n', b"[1]\n"), ApiError, "not JSON"),
        (chunked(b'{"a": 1}\n', end=False) + b"zz\r\n", EngineUnavailable, "broke off"),
    ],
)
def test_a_broken_stream_is_an_error_and_not_its_end(speak, answer, kind, words):
    with pytest.raises(kind, match=words), speak(answer).stream("GET", "/x") as stream:
        list(stream.lines())


def test_lines_may_come_in_pieces(speak):
    with speak(chunked(b'{"a"', b': 1}\n{"b":', b" 2}\r\n\r\n", b'{"c": 3}')).stream("GET", "/x") as stream:
        assert list(stream.lines()) == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_a_stream_is_closed_from_another_thread_within_a_second(speak):
    stream = speak(chunked(b'{"a": 1}\n', end=False), stay=True).stream("GET", "/x")
    threading.Timer(0.2, stream.close).start()
    started = time.monotonic()
    with pytest.raises(EngineUnavailable):
        list(stream.lines())
    assert time.monotonic() - started < 1.2


@pytest.mark.parametrize("way", ["stream", "hijack"])
def test_a_call_is_closed_from_another_thread_before_it_is_answered(speak, way):
    def close_later(close):
        threading.Timer(0.2, close).start()

    http = speak(b"", stay=True)
    started = time.monotonic()
    with pytest.raises(EngineUnavailable):
        http.hijack("/x", on_open=close_later) if way == "hijack" else http.stream(
            "POST", "/x", timeout=None, on_open=close_later
        )
    assert time.monotonic() - started < 1.2


def test_a_refused_hijack_is_the_engines_error(speak):
    with pytest.raises(NotFound, match="no such container"):
        speak(reply("404 Not Found", b'{"message": "no such container"}')).hijack("/containers/x/attach")


def test_what_follows_an_upgrade_stays_in_the_stream(speak):
    stream, headers = speak(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nX-A: b\r\n\r\nfirst bytes").hijack("/x")
    with stream:
        assert headers["x-a"] == "b"
        assert stream.recv(5) == b"first"
        assert stream.recv() == b" bytes"
        assert stream.recv() == b""


@pytest.mark.parametrize(
    "answers",
    [
        (reply("200 OK", b"OK"),),
        (PING, reply("200 OK", b"[]")),
        (PING.replace(b"1.47", b"banana"), reply("200 OK", b"{}")),
        (reply("200 OK", b"<html><title>router</title>", "Content-Type: text/html"),),
        (b"",),
    ],
)
def test_something_other_than_an_engine_is_unavailable(tmp_path, monkeypatch, answers):
    with Speaker(tmp_path / "s", *answers) as speaker:
        monkeypatch.setenv("DOCKER_HOST", speaker.address)
        with pytest.raises(EngineUnavailable) as caught:
            connection.find_engine()
    assert speaker.address in str(caught.value)


def test_messages_are_short_and_plain():
    assert plain("a\x1b[1mb\x00\u2066c\nd") == "abc\nd"
    assert len(plain("x" * 10_000)) == 2000
