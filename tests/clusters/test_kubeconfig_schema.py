"""Valid and invalid kubeconfigs: kubectl itself judges each case, too."""

import json
import os
import subprocess
from dataclasses import dataclass, field

import pytest

from nbcontainer.clusters.kubeconfig import contexts, read_access
from nbcontainer.errors import ClusterUnavailable

DATA = "czNjcmV0LWRhdGE="  # base64
PLUGIN = "command: none, apiVersion: client.authentication.k8s.io"


@dataclass(frozen=True)
class Case:
    """A kubeconfig; `words` are part of the expected error, "" for none."""

    cluster: str = "{server: 'http://127.0.0.1:1'}"
    user: str = "{}"
    words: str = ""
    head: str = "{apiVersion: v1, kind: Config}"
    lists: str = field(default="", repr=False)

    @property
    def text(self):
        head = self.head.strip("{}").replace(", ", "\n")
        lists = (
            self.lists or f"clusters: [{{name: dev, cluster: {self.cluster}}}]\nusers: [{{name: u, user: {self.user}}}]"
        )
        return f"{head}\ncurrent-context: dev\ncontexts: [{{name: dev, context: {{cluster: dev, user: u}}}}]\n{lists}\n"


def cluster(rest, words=""):
    return Case(cluster=f"{{server: 'http://127.0.0.1:1', {rest}}}", words=words)


CASES = {
    "whole": Case(),
    "text for a boolean": cluster(
        "insecure-skip-tls-verify: 'false'",
        'cluster "dev": insecure-skip-tls-verify must be true or false, not the text "false".',
    ),
    "number for a boolean": cluster(
        "disable-compression: 1", 'cluster "dev": disable-compression must be true or false, not a number.'
    ),
    "number for text": Case(cluster="{server: 1234}", words='cluster "dev": server must be text, not a number.'),
    "number for a token": Case(user="{token: 735773}", words='user "u": token must be text, not a number.'),
    "yes for a token": Case(user="{token: yes}", words='user "u": token must be text, not true or false.'),
    "list for a password": Case(user="{password: [735773]}", words='user "u": password must be text, not a list.'),
    "text for a list": Case(user="{as: a, as-groups: b}", words='user "u": as-groups must be a list, not text.'),
    "a group that is a number": Case(
        user="{as: a, as-groups: [b, 7]}", words='user "u": as-groups[1] must be text, not a number.'
    ),
    "extra of no list": Case(
        user="{as: a, as-user-extra: {b: c}}", words='user "u": as-user-extra.b must be a list, not text.'
    ),
    "plugin's variable": Case(
        user=f"{{exec: {{{PLUGIN}/v1beta1, env: [{{name: A, value: 735773}}]}}}}",
        words='user "u": exec.env[0].value must be text, not a number.',
    ),
    "no base64": cluster(
        "certificate-authority-data: '%%%s3cret'", 'cluster "dev": certificate-authority-data must be base64'
    ),
    "spaces in base64": cluster("certificate-authority-data: 'YW Jj'", "must be base64"),
    "key that is no base64": Case(user="{client-key-data: s3cret!}", words='user "u": client-key-data must be base64'),
    "entry that is text": Case(lists="users: [s3cret]", words="users[0]: the entry must be a mapping, not text."),
    "list that is a mapping": Case(lists="users: {u: {token: s3cret}}", words="users must be a list, not a mapping."),
    "cluster that is text": Case(cluster="s3cret", words='cluster "dev": cluster must be a mapping, not text.'),
    "two of one name": Case(
        lists="clusters: [{name: dev, cluster: {}}, {name: dev, cluster: {}}]",
        words='cluster "dev": two entries have this name.',
    ),
    "another kind": Case(head="{apiVersion: v1, kind: Pod}", words="it must be kind Config of v1"),
    "another version": Case(head="{apiVersion: v2, kind: Config}", words="it must be kind Config of v1"),
    "no kind": Case(head="{}"),
    "unknown fields": Case(user="{bogus: 7, Token: 8, as-user: {a: b}}"),
    "null fields": Case(user="{token: null, as-groups: null, exec: null, auth-provider: null}"),
    "null in lists": Case(user="{as: a, as-groups: [null], as-user-extra: {b: null}}"),
    "a date and a time are text": Case(user="{token: 2030-13-45}"),
    "12:30 is text": Case(user="{username: 12:30, password: 1:2}"),
    "a key twice": cluster("server: 'http://127.0.0.1:1'"),
    "extension": cluster("extensions: [{name: a, extension: 7}]"),
    "extensions of a user": Case(user="{extensions: 7}", words='user "u": extensions must be a list, not a number.'),
    "preferences": Case(head="{kind: Config, preferences: 7}", words="preferences must be a mapping, not a number."),
    "two logins": Case(user="{token: s3cret, username: ann}", words="only one way to log in is allowed"),
    "groups without a user": Case(user="{as-groups: [a]}", words="need a user: as is missing"),
    "certificate without a key": Case(
        user=f"{{client-certificate-data: {DATA}}}", words="client-certificate needs client-key"
    ),
    "key without a certificate": Case(user=f"{{client-key-data: {DATA}}}"),
    "two authorities": cluster(
        f"certificate-authority-data: {DATA}, certificate-authority: /none",
        "certificate-authority and certificate-authority-data are both there",
    ),
    "an authority, and no verifying": cluster(
        f"certificate-authority-data: {DATA}, insecure-skip-tls-verify: true",
        "insecure-skip-tls-verify is true, but there is a certificate-authority to verify with",
    ),
    "no authority's file": cluster("certificate-authority: none", "cannot be read: none: No such file or directory"),
    "plugin without a mode": Case(user=f"{{exec: {{{PLUGIN}/v1}}}}", words="exec.interactiveMode is missing"),
    "old plugin without a mode": Case(user=f"{{exec: {{{PLUGIN}/v1beta1}}}}"),
    "plugin without a command": Case(user="{exec: {}}", words="exec.command is missing"),
    "proxy of another kind": cluster("proxy-url: 'ftp://s3cret@a'", "proxy-url must be an http, https or socks5 URL"),
    "proxy without a port's number": cluster("proxy-url: 'http://s3cret@a:b'", "proxy-url must be an http"),
    "host and port": Case(cluster="{server: '127.0.0.1:1'}"),
    "name and port": Case(cluster="{server: 'localhost:1'}"),
    "host, port and path": Case(cluster="{server: 'localhost:1/x'}", words="server must be an http or https URL"),
    "path": Case(cluster="{server: 'http://localhost:1/x/'}"),
}


def written(tmp_path, text):
    path = tmp_path / "config"
    path.write_text(text)
    return path


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_wrong_file_is_an_error_that_names_file_entry_and_field(tmp_path, monkeypatch, case):
    path = written(tmp_path, case.text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    if not case.words:
        assert read_access().context == "dev"
        return
    with pytest.raises(ClusterUnavailable) as caught:
        read_access()
    assert case.words in caught.value.message
    assert str(path) in caught.value.message
    for secret in ("735773", "s3cret", DATA):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_kubectl_takes_and_refuses_the_same_files(kubernetes, tmp_path, case):
    said = subprocess.run(
        [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "get", "--raw", "/version"],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "KUBECONFIG": str(written(tmp_path, case.text))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stderr
    # nothing listens on port 1: a client that gets this far has read the file
    assert ("was refused" in said) is not case.words, said


def test_the_file_is_named_as_it_is_written_by_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG")
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text(CASES["text for a boolean"].text)
    with pytest.raises(ClusterUnavailable) as caught:
        read_access()
    assert str(caught.value) == (
        '~/.kube/config: cluster "dev": insecure-skip-tls-verify must be true or false, not the text "false".\n'
        "Remove the quotes."
    )


def test_a_file_may_be_utf_16(tmp_path, monkeypatch):
    """As Windows PowerShell writes kubectl's output."""
    path = tmp_path / "config"
    path.write_text(CASES["whole"].text, "utf-16")
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert read_access().context == "dev"


@pytest.mark.parametrize("server", ["https://ann:s3cret@127.0.0.1:1", "ann:s3cret@127.0.0.1:1"])
def test_a_password_in_the_server_is_refused(tmp_path, monkeypatch, server):
    """It would be visible wherever the server is shown."""
    monkeypatch.setenv("KUBECONFIG", str(written(tmp_path, Case(cluster=f"{{server: '{server}'}}").text)))
    with pytest.raises(ClusterUnavailable, match='cluster "dev": server contains a user name or password') as caught:
        read_access()
    assert "s3cret" not in str(caught.value)


def test_a_copy_that_keeps_size_and_time_is_read_again(tmp_path, monkeypatch):
    path = written(tmp_path, Case(user="{as: ann}").text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    before = path.stat()
    assert read_access().user.impersonate == "ann"
    path.write_text(Case(user="{as: bob}").text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read_access().user.impersonate == "bob"


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "clusters: null\nusers: null\ncontexts: null\n", "{}"])
def test_a_file_without_contexts_has_none(tmp_path, monkeypatch, text):
    monkeypatch.setenv("KUBECONFIG", str(written(tmp_path, text)))
    assert contexts() == ({}, "")


def test_each_file_of_several_must_be_good(tmp_path, monkeypatch):
    (tmp_path / "good").write_text(CASES["whole"].text)
    bad = written(tmp_path, CASES["text for a boolean"].text)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/good:{bad}")
    with pytest.raises(ClusterUnavailable, match="insecure-skip-tls-verify"):
        contexts()


def test_of_several_files_whole_entries_win_and_paths_are_relative_to_their_own(tmp_path, monkeypatch):
    entries = {"a": {"server": "https://a", "certificate-authority": "ca.crt"}, "b": {"server": "https://b"}}
    for name, cluster in entries.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "ca.crt").write_text(name)
        (tmp_path / name / "config").write_text(
            json.dumps(
                {
                    "clusters": [{"name": "c", "cluster": cluster}],
                    "contexts": [{"name": name, "context": {"cluster": "c"}}],
                    "current-context": name if name == "b" else "",
                }
            )
        )
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/b/config:{tmp_path}/a/config:{tmp_path}/b/config")
    assert contexts() == ({"b": "default", "a": "default"}, "b")
    assert (read_access("a").server, read_access("a").certificate_authority) == ("https://b", b"")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a/config:{tmp_path}/b/config")
    access = read_access()
    assert (access.context, access.server, access.certificate_authority) == ("b", "https://a", b"a")
