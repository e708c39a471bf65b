import pytest

from nbcontainer.errors import UsageError
from nbcontainer.model.references import is_loopback, parse_reference, registry_host

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "shown"),
    [
        ("busybox", "docker.io", "library/busybox", "", "busybox"),
        ("busybox:1.36", "docker.io", "library/busybox", "1.36", "busybox:1.36"),
        ("docker.io/busybox", "docker.io", "library/busybox", "", "busybox"),
        ("index.docker.io/library/busybox", "docker.io", "library/busybox", "", "busybox"),
        ("team/app:v1", "docker.io", "team/app", "v1", "team/app:v1"),
        ("library/team/app", "docker.io", "library/team/app", "", "library/team/app"),
        ("localhost/app", "localhost", "app", "", "localhost/app"),
        ("localhost:5000/app:1", "localhost:5000", "app", "1", "localhost:5000/app:1"),
        ("127.0.0.1:5000/a/b__c/d-e--f.g:x", "127.0.0.1:5000", "a/b__c/d-e--f.g", "x", None),
        ("[::1]:5000/app", "[::1]:5000", "app", "", "[::1]:5000/app"),
        ("ghcr.io/o/app", "ghcr.io", "o/app", "", "ghcr.io/o/app"),
        ("Host/app", "Host", "app", "", "Host/app"),
    ],
)
def test_names_are_read_as_docker_reads_them(text, host, repository, tag, shown):
    found = parse_reference(text)
    assert (found.host, found.repository, found.tag) == (host, repository, tag)
    assert str(found) == (shown or text)
    assert parse_reference(str(found)) == found


def test_digests_are_kept_and_take_the_place_of_latest():
    found = parse_reference(f"busybox:1@{DIGEST}")
    assert (found.tag, found.digest) == ("1", DIGEST)
    assert parse_reference(f"busybox@{DIGEST}").tagged().tag == ""
    assert str(parse_reference("busybox").tagged()) == "busybox:latest"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" busybox", "space"),
        ("busybox\n", "space"),
        ("https://ghcr.io/o/app", "scheme"),
        ("Team/App", "lowercase"),
        ("App", "lowercase"),
        ("app:", "not a valid tag"),
        ("app:a b", "not a valid tag"),
        ("app:" + "x" * 129, "not a valid tag"),
        ("app@sha256:123", "not a valid digest"),
        ("a//b", "empty"),
        ("/app", "empty"),
        ("app/", "empty"),
        ("-app", "lowercase letters"),
        ("a.b.c-/app", "not a valid registry"),
        ("host:99999999/app", "not a valid registry"),
        ("a" * 300, "longer than 255"),
        ("0" * 64, "an image's id"),
        ("app\x1b[31m", "lowercase letters"),
        ("user:pass@host/app", "not a valid digest"),
        ("\u202eppa", "lowercase letters"),
    ],
)
def test_an_invalid_name_says_why(text, why):
    with pytest.raises(UsageError, match=why) as caught:
        parse_reference(text)
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("", "docker.io"),
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("HTTPS://GHCR.io/v2/", "ghcr.io"),
        ("localhost:5000/", "localhost:5000"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
    ],
)
def test_registries_have_one_name(text, host):
    assert registry_host(text) == host


@pytest.mark.parametrize("text", ["a b", "host\r\nX: y", "user:pw@host", "-host", "host:port", "\x00", "../x"])
def test_hostile_registries_are_refused(text):
    with pytest.raises(UsageError):
        registry_host(text)


def test_registries_on_the_engines_own_machine():
    for host in ("localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"):
        assert is_loopback(host), host
    for host in ("docker.io", "localhost.example.com:5000", "127.0.0.1.example.com", "10.0.0.1:5000", "[::11]:5000"):
        assert not is_loopback(host), host
