"""HTTP_PROXY, HTTPS_PROXY and NO_PROXY mean the same as for docker and kubectl."""

import json
from pathlib import Path

import pytest

from nbcontainer.proxies import environment_proxy

# [NO_PROXY, URL, proxy], recorded from golang.org/x/net/http/httpproxy v0.51 with the variables below
VERDICTS = Path(__file__).parent / "recordings/no_proxy.jsonl"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No variables but those a test sets."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def test_go_gives_the_same_verdicts(environment):
    environment.setenv("HTTP_PROXY", "http://p:1")
    environment.setenv("HTTPS_PROXY", "q:2")
    wrong = []
    for line in VERDICTS.read_text("utf-8").splitlines():
        no_proxy, url, proxy = json.loads(line)
        environment.setenv("NO_PROXY", no_proxy)
        if environment_proxy(url) != proxy:
            wrong.append((no_proxy, url, proxy, environment_proxy(url)))
    assert wrong == []


def test_without_variables_there_is_no_proxy():
    assert environment_proxy("https://example.com") == environment_proxy("http://example.com") == ""


def test_each_scheme_has_its_variable_and_upper_case_wins(environment):
    environment.setenv("http_proxy", "http://a:1")
    assert (environment_proxy("http://x"), environment_proxy("https://x")) == ("http://a:1", "")
    environment.setenv("HTTP_PROXY", "http://b:1")
    environment.setenv("https_proxy", "socks5://c:1")
    environment.setenv("ALL_PROXY", "http://d:1")
    assert (environment_proxy("http://x"), environment_proxy("https://x")) == ("http://b:1", "socks5://c:1")
    assert environment_proxy("ftp://x") == ""


def test_a_cgi_program_takes_no_proxy_from_its_caller(environment):
    environment.setenv("HTTP_PROXY", "http://a:1")
    environment.setenv("REQUEST_METHOD", "GET")
    assert environment_proxy("http://x") == ""


@pytest.mark.parametrize(("value", "proxy"), [("p:3128", "http://p:3128"), ("http://p:x", ""), ("[::1", ""), (" ", "")])
def test_an_invalid_url_is_not_a_proxy(environment, value, proxy):
    environment.setenv("HTTPS_PROXY", value)
    assert environment_proxy("https://x") == proxy
