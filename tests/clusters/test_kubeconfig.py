"""Which API server, as which user: kubectl's rules, and errors that say what is missing."""

import asyncio
import base64
import json
import stat
import subprocess
import time
from pathlib import Path

import pytest

from nbcontainer.clusters.authentication import Credentials
from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.kubeconfig import contexts, read_access
from nbcontainer.engines.tls import Tls
from nbcontainer.errors import AuthFailed, ClusterUnavailable
from nbcontainer.operation import background_loop
from nbcontainer.settings import settings
from tests.clusters.test_tables import until
from tests.environment import packages

VERSION = "client.authentication.k8s.io/v1"
ANSWER = f'{{"apiVersion": "{VERSION}", "kind": "ExecCredential",'


def config(**parts):
    base = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://c.example:6443/"}}],
        "users": [{"name": "u", "user": {"token": "s3cret-token"}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
        ],
        "current-context": "one",
    }
    return json.dumps(base | {key.replace("_", "-"): value for key, value in parts.items()})


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the files that KUBECONFIG names."""

    def write_all(*texts):
        paths = []
        for number, text in enumerate(texts):
            path = tmp_path / f"config-{number}"
            path.write_text(text)
            paths.append(str(path))
        monkeypatch.setenv("KUBECONFIG", ":".join(paths))
        return tmp_path

    return write_all


def user_of(**user):
    return config(users=[{"name": "u", "user": user}])


def headers(access):
    return dict(Credentials(access).headers())


def test_current_context_and_its_namespace(write):
    write(config())
    access = read_access()
    assert (access.context, access.server, access.namespace) == ("one", "https://c.example:6443", "default")
    assert read_access("two").namespace == "shop"
    assert read_access("two", "other").namespace == "other"
    assert contexts() == ({"one": "default", "two": "shop"}, "one")


def test_settings_choose_context_and_namespace(write, monkeypatch):
    write(config())
    monkeypatch.setattr(settings, "context", "two")
    assert find_cluster().where == "two · shop"
    monkeypatch.setattr(settings, "namespace", "mine")
    assert find_cluster().namespace == "mine"
    assert find_cluster("one", "x").where == "one · x"


def test_several_files_are_one_and_the_first_wins(write):
    first = config(clusters=[], users=[], contexts=[], current_context="two")
    other = config(clusters=[{"name": "c", "cluster": {"server": "https://second.example"}}])
    write(first, config(), other)
    access = read_access()
    assert (access.context, access.server) == ("two", "https://c.example:6443")


def test_a_missing_file_among_several_is_passed_over(write, monkeypatch):
    folder = write(config())
    monkeypatch.setenv("KUBECONFIG", f"{folder}/none:{folder}/config-0")
    assert read_access().context == "one"


@pytest.mark.parametrize(
    ("text", "context", "words"),
    [
        ("", "", "no Kubernetes context"),
        (config(current_context=""), "", "no current context"),
        (config(), "three", "no context 'three'"),
        (config(clusters=[]), "", 'context "one": there is no cluster "c"'),
        (config(users=[]), "", 'context "one": there is no user "u"'),
        ("a: [s3cret-token", "", "is not YAML"),
        ("- s3cret-token", "", "is not a kubeconfig"),
        (user_of(**{"client-certificate": "none.crt", "client-key": "none.key"}), "", "cannot be read"),
        (user_of(**{"client-key-data": "%%%"}), "", "must be base64"),
    ],
)
def test_errors_say_what_is_missing(write, text, context, words):
    write(text)
    with pytest.raises(ClusterUnavailable, match=words) as caught:
        read_access(context)
    assert "s3cret" not in str(caught.value)


def test_no_such_context_lists_those_there_are(write):
    write(config())
    with pytest.raises(ClusterUnavailable) as caught:
        find_cluster("three")
    assert caught.value.context == "three"
    assert "one, two" in caught.value.cure


def test_files_are_relative_to_their_kubeconfig(write):
    folder = write(user_of(**{"client-certificate": "my.crt", "client-key": "my.key"}))
    (folder / "my.crt").write_bytes(b"CERT")
    (folder / "my.key").write_bytes(b"KEY")
    access = read_access()
    assert (access.client_certificate, access.client_key) == (b"CERT", b"KEY")


@pytest.mark.parametrize("user", [{"token": "s3cret-token"}, {"username": "ann", "password": "s3cret-word"}])
def test_secrets_are_in_no_repr(write, user):
    data = base64.b64encode(b"s3cret-key").decode()
    write(user_of(**user, **{"client-certificate-data": data, "client-key-data": data}))
    access = read_access()
    assert "s3cret" not in repr(access) + repr(access.user) + repr(Credentials(access)) + repr(find_cluster())


def test_inside_a_cluster_the_service_account_is_used(tmp_path, monkeypatch):
    for name, text in (("token", "inside-token\n"), ("namespace", "prod"), ("ca.crt", "CA")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("nbcontainer.clusters.kubeconfig.SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = read_access()
    assert (access.server, access.namespace) == ("https://[fd00::1]:443", "prod")
    assert headers(access) == {"Authorization": "Bearer inside-token"}


def test_headers_of_tokens_and_passwords(write):
    folder = write(user_of(tokenFile="my.token", token="other"))
    (folder / "my.token").write_text("from-file\n")
    assert headers(read_access()) == {"Authorization": "Bearer from-file"}
    write(user_of(username="ann", password="word"))
    assert headers(read_access()) == {"Authorization": "Basic " + base64.b64encode(b"ann:word").decode()}
    write(user_of())
    assert headers(read_access()) == {}


def plugin(folder, body):
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    spec = {"apiVersion": VERSION, "interactiveMode": "Never", "command": "./plugin", "args": ["a b"]}
    return user_of(exec=spec | {"env": [{"name": "PLUGIN_WORD", "value": "xyz"}], "installHint": "get it"})


def test_an_exec_plugin_supplies_the_token(write, tmp_path):
    write(plugin(tmp_path, f"""printf '{ANSWER} "status": {{"token": "%s-%s"}}}}' "$1" "$PLUGIN_WORD" """))
    assert headers(read_access()) == {"Authorization": "Bearer a b-xyz"}


def make_certificate(folder, *options):
    """A certificate and its key, as my.crt and my.key."""
    openssl = packages.program("openssl")
    request = ["req", "-x509", "-newkey", "rsa:2048", *options, "-subj", "/CN=me"]
    command = [openssl, *request, "-keyout", str(folder / "my.key"), "-out", str(folder / "my.crt")]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "my.crt").read_text(), (folder / "my.key").read_text()


def test_an_exec_plugin_supplies_a_certificate_and_an_invalid_one_is_not_kept(write, tmp_path):
    certificate, key = make_certificate(tmp_path, "-nodes")
    write(plugin(tmp_path, f"cat {tmp_path}/answer"))
    credentials = Credentials(read_access())

    def answer(text):
        status = {"clientCertificateData": text, "clientKeyData": key}
        (tmp_path / "answer").write_text(f'{ANSWER} "status": {json.dumps(status)}}}')

    answer("s3cret")
    with pytest.raises(AuthFailed, match="certificate and key cannot be used"):
        credentials.headers()
    answer(certificate)
    assert credentials.headers() == ()
    assert (credentials.client_certificate, credentials.client_key) == (certificate.encode(), key.encode())


def test_an_expired_plugin_token_is_asked_for_again(write, tmp_path):
    write(
        plugin(
            tmp_path,
            f"""echo x >> {tmp_path}/calls
        echo '{ANSWER} "status": {{"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}}}}'""",
        )
    )

    credentials = Credentials(read_access())
    credentials.headers()
    credentials.headers()
    assert (tmp_path / "calls").read_text() == "x\nx\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo log in first >&2; exit 3", "exit code 3: log in first"),
        ("echo hello", "returned no credential"),
        ("yes [ | tr -d '\\n' | head -c 100000", "returned no credential"),
        (f"""echo '{ANSWER} "status": {{"token": 7}}}}'""", "returned no credential"),
        ("""echo '{"status": {"token": "t"}}'""", "answered in version None"),
        (f"""echo '{ANSWER} "status": {{"clientCertificateData": "C"}}}}'""", "only one of certificate and key"),
        (f"""echo '{ANSWER} "status": {{"token": "t", "expirationTimestamp": "soon"}}}}'""", "is not a time"),
    ],
)
def test_a_failing_plugin_is_named(write, tmp_path, body, words):
    write(plugin(tmp_path, body))
    with pytest.raises(AuthFailed, match=words):
        headers(read_access())


def test_a_plugin_that_takes_too_long_is_killed_with_its_children(write, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "credential_plugin_timeout", 1.0)
    write(plugin(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; wait"))
    with pytest.raises(AuthFailed, match="did not end within 1 s") as caught:
        headers(read_access())
    assert "credential_plugin_timeout" in caught.value.cure
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    deadline = time.monotonic() + 10
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.02)


def test_an_abandoned_plugin_is_killed_and_blocks_nothing(write, tmp_path):
    write(plugin(tmp_path, f"echo $$ > {tmp_path}/begun; mv {tmp_path}/begun {tmp_path}/child; exec sleep 600"))
    cluster = find_cluster()
    calls = [asyncio.run_coroutine_threadsafe(cluster.request("GET", "/version"), background_loop()) for _ in range(2)]
    until((tmp_path / "child").exists)
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}")
    calls[1].cancel()  # it waits for the plugin that the other one started, or started it itself
    calls[0].cancel()
    until(lambda: not child.exists())
    plugin(tmp_path, f"""echo '{ANSWER} "status": {{"token": "t"}}}}'""")
    assert cluster.link.credentials.headers() == (("Authorization", "Bearer t"),)


def test_a_missing_plugin_gives_its_install_hint(write, tmp_path):
    write(plugin(tmp_path, "true"))
    (tmp_path / "plugin").unlink()
    with pytest.raises(AuthFailed, match="is not installed") as caught:
        headers(read_access())
    assert caught.value.cure == "get it"


def test_impersonation_has_a_header_for_each_word(write):
    extra = {"Scopes": ["view", "edit"], "acme.com/a b": ["c"]}
    write(user_of(token="t", **{"as": "jürgen", "as-uid": "7", "as-groups": ["dev", "ops"], "as-user-extra": extra}))
    assert Credentials(read_access()).headers() == (
        ("Authorization", "Bearer t"),
        ("Impersonate-User", "jürgen"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-scopes", "view"),
        ("Impersonate-Extra-scopes", "edit"),
        ("Impersonate-Extra-acme.com%2fa%20b", "c"),
    )


@pytest.mark.parametrize(
    "user",
    [
        {"as": " "},
        {"as": "ann "},
        {"as": "ann", "as-uid": "\t7"},
        {"as": "ann", "as-groups": ["dev", " system:masters"]},
        {"as": "ann", "as-user-extra": {"a": ["b "]}},
    ],
)
def test_nobody_becomes_another_by_spaces_that_http_drops(write, user):
    """A blank user would mean no impersonation: the call would be the administrator's."""
    write(user_of(**user))
    with pytest.raises(ClusterUnavailable, match=r'user "u": as\S* has a space at its beginning or end'):
        headers(read_access())


@pytest.mark.parametrize("user", [{"client-key": "-----BEGIN\ns3cret"}, {"tokenFile": "s3cret" * 100}])
def test_what_should_be_a_files_name_and_is_its_content_is_not_shown(write, user):
    write(user_of(**user))
    with pytest.raises(ClusterUnavailable, match="must be the name of a file") as caught:
        headers(read_access())
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.cure.startswith("The content itself goes into ")


def test_files_are_the_same_ones_after_the_folder_was_changed(write, monkeypatch):
    folder = write(user_of(tokenFile="my.token"))
    (folder / "other").mkdir()
    (folder / "my.token").write_text("mine")
    (folder / "other/my.token").write_text("another's")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KUBECONFIG", "config-0")
    access = read_access()
    monkeypatch.chdir(folder / "other")
    assert headers(access) == {"Authorization": "Bearer mine"}


@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")  # the kubernetes package, on Python 3.12
def test_openid_connect_has_the_token_of_the_file_that_is_in_use(write, monkeypatch):
    tokens = []
    for name in ("ann", "bob"):
        parts = ({"alg": "none"}, {"sub": name, "exp": 99_999_999_999}, {})
        tokens.append(".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts))
    folder = write(*(user_of(**{"auth-provider": {"name": "oidc", "config": {"id-token": token}}}) for token in tokens))
    for number, token in enumerate(tokens):
        monkeypatch.setenv("KUBECONFIG", str(folder / f"config-{number}"))
        assert headers(read_access()) == {"Authorization": f"Bearer {token}"}


def test_an_expired_openid_connect_token_is_said_and_what_to_do(write):
    write(user_of(**{"auth-provider": {"name": "oidc", "config": {}}}))
    with pytest.raises(AuthFailed, match=r"user \"u\": the auth provider 'oidc' failed: .*No valid id-token") as caught:
        headers(read_access())
    assert caught.value.cure.startswith("Log in again")


@pytest.mark.parametrize(
    ("users", "goes_on"),
    [
        ([{"name": "u", "user": {"token": "new", "as": "bob"}}], True),
        ([{"name": "u", "user": {"token": "new"}}], False),
        ([{"name": "u", "user": {"token": "new", "as": "bob", "as-groups": ["system:masters"]}}], False),
    ],
)
def test_a_running_operation_gets_new_credentials_but_never_another_user(write, users, goes_on):
    write(user_of(token="old", **{"as": "bob"}))
    cluster = find_cluster()
    write(config(users=users))
    cluster.link.refresh()
    assert cluster.link.access.user.token == ("new" if goes_on else "old")
    assert find_cluster().link.access.user.token == "new"


def test_a_running_operation_does_not_become_another_files_user(write, monkeypatch):
    folder = write(user_of(token="viewer"), user_of(token="admin"))
    monkeypatch.setenv("KUBECONFIG", str(folder / "config-0"))
    cluster = find_cluster()
    monkeypatch.setenv("KUBECONFIG", str(folder / "config-1"))
    cluster.link.refresh()
    assert cluster.link.access.user.token == "viewer"


@pytest.mark.parametrize("user", [{"token": "s3cret\nX: y"}, {"token": "t", "as": "s3cret\nX: y"}])
def test_nothing_in_the_file_can_inject_a_header(write, user):
    write(user_of(**user))
    with pytest.raises(ClusterUnavailable, match=r'user "u": (token|as) contains a line break') as caught:
        headers(read_access())
    assert "s3cret" not in str(caught.value)


def test_no_secret_is_sent_where_it_can_be_read(write):
    """As client-go: over plain HTTP no credentials are sent, but the impersonated user is."""
    clusters = [{"name": "c", "cluster": {"server": "c.example:8080"}}]
    for user in ({"token": "s3cret"}, {"username": "ann", "password": "s3cret"}, {"exec": {"command": "false"}}):
        if "exec" in user:
            user["exec"] |= {"apiVersion": VERSION, "interactiveMode": "Never"}
        write(config(clusters=clusters, users=[{"name": "u", "user": user | {"as": "bob"}}]))
        assert headers(read_access()) == {"Impersonate-User": "bob"}


def test_a_plugin_is_not_run_where_there_is_a_certificate(write):
    data = base64.b64encode(b"PEM").decode()
    exec_ = {"apiVersion": VERSION, "interactiveMode": "Never", "command": "/none"}
    write(user_of(exec=exec_, **{"client-certificate-data": data, "client-key-data": data}))
    assert headers(read_access()) == {}


@pytest.mark.parametrize(("name", "cure"), [("gcp", "gke-gcloud-auth-plugin"), ("azure", "kubelogin"), ("other", "")])
def test_removed_auth_providers_are_named(write, name, cure):
    write(user_of(**{"auth-provider": {"name": name}}))
    with pytest.raises(
        AuthFailed, match=f"user \"u\": kubectl no longer supports the auth provider '{name}'"
    ) as caught:
        headers(read_access())
    assert cure in caught.value.cure


PLAIN = {"server": "https://127.0.0.1:1"}
WHOLE = PLAIN | {
    "tls-server-name": "kubernetes",
    "insecure-skip-tls-verify": True,
    "proxy-url": "http://127.0.0.1:9",
    "disable-compression": True,
    "extensions": [
        {"name": "other", "extension": {"audience": "wrong"}},
        {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "right", "list": [1, None]}},
    ],
}


WHOLE_TOLD = {name: value for name, value in WHOLE.items() if name != "extensions"}
WHOLE_TOLD["config"] = {"audience": "right", "list": [1, None]}


@pytest.mark.parametrize(
    ("cluster", "wants_it", "told"),
    [
        (PLAIN, False, None),
        (PLAIN, True, PLAIN | {"config": None}),
        (PLAIN | {"certificate-authority": "ca.crt"}, True, PLAIN | {"certificate-authority-data": "", "config": None}),
        (WHOLE, True, WHOLE_TOLD),
    ],
    ids=["not wanted", "server alone", "authority from a file", "everything"],
)
def test_an_exec_plugin_gets_what_kubectl_passes_it(write, kubernetes, cluster, wants_it, told):
    version = "client.authentication.k8s.io/v1beta1" if wants_it else VERSION
    tmp_path = write()
    script = f"""#!/bin/sh
printf %s "$KUBERNETES_EXEC_INFO" > {tmp_path}/told
echo '{{"apiVersion": "{version}", "kind": "ExecCredential", "status": {{"token": "t"}}}}'"""
    (tmp_path / "plugin").write_text(script)
    (tmp_path / "plugin").chmod(0o700)
    authority = kubernetes.pki.certificate("ca").read_bytes()
    (tmp_path / "ca.crt").write_bytes(authority)
    plugin = {"command": "./plugin", "apiVersion": version, "interactiveMode": "Never", "provideClusterInfo": wants_it}
    write(config(clusters=[{"name": "c", "cluster": cluster}], users=[{"name": "u", "user": {"exec": plugin}}]))

    assert headers(read_access()) == {"Authorization": "Bearer t"}
    ours = json.loads((tmp_path / "told").read_text())
    (tmp_path / "told").unlink()
    command = [kubernetes.env()["NBCONTAINER_TEST_KUBECTL"], "get", "--raw", "/version"]
    subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
    )  # nothing listens there

    assert ours == json.loads((tmp_path / "told").read_text())
    if told and "certificate-authority-data" in told:
        told = told | {"certificate-authority-data": base64.b64encode(authority).decode()}
    assert ours["spec"].get("cluster") == told


def test_an_encrypted_key_is_refused_and_no_terminal_asked(write, tmp_path):
    make_certificate(tmp_path, "-passout", "pass:s3cret")
    write(user_of(**{"client-certificate": "my.crt", "client-key": "my.key"}))
    with pytest.raises(ClusterUnavailable, match="context 'one' cannot be used: the client key is encrypted"):
        find_cluster().call("GET", "/version")
    (tmp_path / "my.key").rename(tmp_path / "key.pem")
    (tmp_path / "my.crt").rename(tmp_path / "cert.pem")
    with pytest.raises(OSError, match=r"key\.pem is encrypted"):
        Tls(tmp_path).context()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"interactiveMode": "Always"}, "works only in a terminal"),
        (
            {"apiVersion": "client.authentication.k8s.io/v1alpha1"},
            "a version that Kubernetes clients no longer support",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used_here_is_not_run(write, tmp_path, fields, words):
    document = json.loads(plugin(tmp_path, f"touch {tmp_path}/ran"))
    document["users"][0]["user"]["exec"] |= fields
    write(json.dumps(document))
    with pytest.raises(AuthFailed, match=words):
        headers(read_access())
    assert not (tmp_path / "ran").exists()
