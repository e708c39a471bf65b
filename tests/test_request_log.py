"""The log: its lines' content, what they leave out, and that they cost nothing when logging is off."""

import logging
import subprocess
import sys

import pytest

from nbcontainer.request_log import LoggedRequest

LOG = logging.getLogger("nbcontainer.tests")


def logged(caplog, target, where="an engine", level=logging.DEBUG):
    with caplog.at_level(level, LOG.name), LoggedRequest(LOG, "GET", target, where) as request:
        request.status = 200
    return [record.getMessage() for record in caplog.records]


def test_a_line_has_method_path_status_time_and_place(caplog):
    [line] = logged(caplog, "/v1.47/containers/json?filters=hidden")
    method, path, status, milliseconds, unit, *where = line.split(" ")
    assert (method, path, status, unit, where) == ("GET", "/v1.47/containers/json", "200", "ms", ["an", "engine"])
    assert 0 <= int(milliseconds) < 1000


@pytest.mark.parametrize(
    ("target", "where", "left"),
    [
        ("/", "the engine at tcp://ann:hidden@host:2376", "the engine at tcp://host:2376"),
        ("/", "the engine at tcp://ann:hid/den@host:2376", "the engine at tcp://host:2376"),
        ("/", "https://hidden@host:5000", "https://host:5000"),
        ("/", "unix:///run/a@b.sock", "unix:///run/a@b.sock"),
        ("/images/ann:hidden@host:5000/app/json", "docker", "/images/host:5000/app/json"),
        ("/images/ann:hidden%40host:5000/app/json", "docker", "/images/host:5000/app/json"),
        ("/images/hidden@host/app:1/push?tag=1", "docker", "/images/host/app:1/push"),
        (f"/images/host:5000/app:1@sha256:{'0' * 64}/json", "docker", f"/host:5000/app:1@sha256:{'0' * 64}/json"),
    ],
)
def test_logins_in_addresses_are_left_out(caplog, target, where, left):
    [line] = logged(caplog, target, where)
    assert left in line
    assert "hid" not in line
    assert "ann" not in line


def test_a_request_without_a_reply_logs_the_errors_class_but_not_its_message(caplog):
    def send():
        with caplog.at_level(logging.DEBUG, LOG.name), LoggedRequest(LOG, "GET", "/_ping", "docker"):
            raise ConnectionResetError("hidden")

    with pytest.raises(ConnectionResetError):
        send()
    [record] = caplog.records
    assert record.getMessage().startswith("GET /_ping ConnectionResetError ")
    assert "hidden" not in record.getMessage()


def test_without_a_handler_nothing_is_measured_or_formatted(caplog, monkeypatch):
    monkeypatch.delattr("nbcontainer.request_log.time")
    assert logged(caplog, "/", level=logging.INFO) == []


def test_the_package_sends_its_log_nowhere_by_itself():
    code = "import logging, nbcontainer; logging.getLogger('nbcontainer.engines.http').error('unseen')"
    code += "; print(logging.getLogger('nbcontainer').handlers, logging.getLogger('nbcontainer').level)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout == "[<NullHandler (NOTSET)>] 0\n"
