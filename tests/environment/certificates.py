"""Keys, certificates and kubeconfigs of the test cluster, made by openssl."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import folders, packages
from .processes import run

_DAYS = "3650"


@dataclass(frozen=True)
class Authority:
    """One folder of keys and certificates.

    Args:
        folder: Where ``NAME.crt`` and ``NAME.key`` are.
    """

    folder: Path

    def certificate(self, name: str) -> Path:
        """The certificate of a name."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The private key of a name."""
        return self.folder / f"{name}.key"


def _new_key(openssl: str, path: Path) -> None:
    run([openssl, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path)])
    path.chmod(0o600)


def _new_authority(openssl: str, pki: Authority, name: str) -> None:
    _new_key(openssl, pki.key(name))
    command = [openssl, "req", "-x509", "-new", "-key", str(pki.key(name)), "-days", _DAYS, "-subj", f"/CN={name}"]
    usage = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign"]
    run([*command, *usage, "-out", str(pki.certificate(name))])


def _new_certificate(
    openssl: str, pki: Authority, name: str, subject: str, *, authority: str = "ca", names: str = ""
) -> None:
    """Signs a certificate: for a server if it has alternative names, else for a client."""
    _new_key(openssl, pki.key(name))
    usage = "serverAuth" if names else "clientAuth"
    extensions = f"keyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n"
    extensions += f"subjectAltName={names}\n" if names else ""
    request, settings = pki.folder / f"{name}.csr", pki.folder / f"{name}.ext"
    settings.write_text(extensions, encoding="ascii")
    run([openssl, "req", "-new", "-key", str(pki.key(name)), "-subj", subject, "-out", str(request)])
    signer = ["-CA", str(pki.certificate(authority)), "-CAkey", str(pki.key(authority)), "-CAcreateserial"]
    command = [openssl, "x509", "-req", "-in", str(request), *signer, "-days", _DAYS, "-extfile", str(settings)]
    run([*command, "-out", str(pki.certificate(name))])
    request.unlink()
    settings.unlink()


def make(folder: Path, node: str, addresses: list[str]) -> Authority:
    """All that a one-node cluster needs, made once.

    Args:
        folder: Where to.
        node: The node's name.
        addresses: The addresses by which the apiserver and the kubelet are called.
    """
    pki = Authority(folder)
    if folder.is_dir():
        return pki
    folder.parent.mkdir(parents=True, exist_ok=True)
    openssl = packages.program("openssl")
    with TemporaryDirectory(dir=folder.parent, prefix=".pki-") as temporary:
        new = Authority(Path(temporary, "pki"))
        new.folder.mkdir(mode=0o700)
        for name in ("ca", "front-proxy-ca"):
            _new_authority(openssl, new, name)
        service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
        names = ",".join(
            [*(f"DNS:{name}" for name in ["localhost", node, *service]), *(f"IP:{ip}" for ip in addresses)]
        )
        _new_certificate(openssl, new, "apiserver", "/CN=kube-apiserver", names=names)
        _new_certificate(openssl, new, "kubelet-server", f"/CN={node}", names=names)
        for name, subject in (
            ("apiserver-kubelet-client", "/O=nbc:kubelet-admins/CN=kube-apiserver-kubelet-client"),
            ("admin", "/O=system:masters/CN=admin"),
            ("viewer", "/O=nbc:viewers/CN=viewer"),
            ("controller-manager", "/CN=system:kube-controller-manager"),
            ("scheduler", "/CN=system:kube-scheduler"),
            ("kube-proxy", "/CN=system:kube-proxy"),
            ("kubelet", f"/O=system:nodes/CN=system:node:{node}"),
        ):
            _new_certificate(openssl, new, name, subject)
        _new_certificate(openssl, new, "front-proxy-client", "/CN=front-proxy-client", authority="front-proxy-ca")
        service_account = str(new.folder / "sa.key")
        run([openssl, "genrsa", "-out", service_account, "2048"])
        run([openssl, "rsa", "-in", service_account, "-pubout", "-out", str(new.folder / "sa.pub")])
        shutil.move(new.folder, folder)
    return pki


def kubeconfig(pki: Authority, path: Path, user: str, server: str) -> Path:
    """Writes a kubeconfig with the user's certificate in it; JSON is YAML too."""

    def content(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    credentials = {
        "client-certificate-data": content(pki.certificate(user)),
        "client-key-data": content(pki.key(user)),
    }
    cluster = {"server": server, "certificate-authority-data": content(pki.certificate("ca"))}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "nbc", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "nbc", "context": {"cluster": "nbc", "user": user}}],
        "current-context": "nbc",
    }
    return folders.write(path, json.dumps(document, indent=1) + "\n", 0o600)
