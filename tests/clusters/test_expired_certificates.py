"""Certificates that have expired, or have another name: of an API server, and of its user."""

import base64
import json
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.tables import table, watch_table
from nbcontainer.errors import AuthFailed, ClusterUnavailable
from tests.clusters.breaking_proxy import write_kubeconfig

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
OVER, VALID, LATER = (NOW - 2 * DAY, NOW - DAY), (NOW - DAY, NOW + DAY), (NOW + DAY, NOW + 2 * DAY)


def certificate(pki, when, name, *, host=""):
    """A certificate of the cluster's authority and its key, as PEM: of a server at `host`, or of a user."""
    authority = x509.load_pem_x509_certificate(pki.certificate("ca").read_bytes())
    signer = load_pem_private_key(pki.key("ca").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "nbc:viewers")
    usage = ExtendedKeyUsageOID.SERVER_AUTH if host else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(when[0])
        .not_valid_after(when[1])
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
    signed = builder.sign(signer, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return signed.public_bytes(Encoding.PEM), secret


@pytest.fixture
def server_with(kubernetes, tmp_path, monkeypatch):
    """A client of a server with a certificate of this time and address."""
    listeners = []

    def start(when, host="127.0.0.1"):
        public, secret = certificate(kubernetes.pki, when, "s", host=host)
        (tmp_path / "server.crt").write_bytes(public)
        (tmp_path / "server.key").write_bytes(secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
        listeners.append(socket.create_server(("127.0.0.1", 0)))

        def accept():
            with suppress(OSError):
                while True:
                    with suppress(ssl.SSLError), listeners[-1].accept()[0] as near:
                        context.wrap_socket(near, server_side=True).close()

        threading.Thread(target=accept, daemon=True).start()
        server = f"https://127.0.0.1:{listeners[-1].getsockname()[1]}"
        file = write_kubeconfig(tmp_path / "config", server, {}, kubernetes.pki.certificate("ca").read_bytes())
        monkeypatch.setenv("KUBECONFIG", str(file))
        return find_cluster()

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    ("when", "host", "what", "cure"),
    [
        (OVER, "127.0.0.1", "certificate has expired", "must renew it, if this machine's clock is right: it is 20"),
        (LATER, "127.0.0.1", "certificate is not yet valid", "if this machine's clock is right: it is 20"),
        (VALID, "127.0.0.9", "IP address mismatch", "tls-server-name is a name that the certificate has"),
    ],
)
def test_a_servers_certificate_is_refused_with_what_to_do(server_with, when, host, what, cure):
    cluster = server_with(when, host)
    for call in (table, lambda one: watch_table(one).result(20)):
        with pytest.raises(ClusterUnavailable, match=f"is not trusted: .*{what}") as caught:
            call(cluster)
        assert cure in caught.value.cure


def test_an_expired_client_certificate_is_said_and_a_renewed_one_is_read(
    own_cluster, kubernetes, tmp_path, monkeypatch
):
    document = json.loads(own_cluster.kubeconfig().read_text())

    def write(when):
        data, key = (base64.b64encode(text).decode() for text in certificate(kubernetes.pki, when, "ann"))
        document["users"][0]["user"] = {"client-certificate-data": data, "client-key-data": key}
        (tmp_path / "config").write_text(json.dumps(document))

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    write(OVER)
    cluster = find_cluster()
    with pytest.raises(AuthFailed, match="does not accept the credentials") as caught:
        cluster.call("GET", "/api")
    assert f"valid from {OVER[0]:%Y-%m-%d %H:%M} to {OVER[1]:%Y-%m-%d %H:%M} UTC" in caught.value.cure
    write(VALID)
    assert cluster.call("GET", "/api")["kind"] == "APIVersions"  # the same client
