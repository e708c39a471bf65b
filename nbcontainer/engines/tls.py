"""TLS to an engine, from files with docker's names."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS files of a tcp:// engine, with docker's names.

    Attributes:
        folder: holds ca.pem, cert.pem and key.pem; each may be missing.
        verify: whether the engine's certificate is checked.
    """

    folder: Path | None = None
    verify: bool = True

    def flags(self) -> tuple[str, ...]:
        """The TLS flags of docker's client."""
        names = {"--tlscacert": "ca.pem", "--tlscert": "cert.pem", "--tlskey": "key.pem"}
        files = {flag: self.folder / name for flag, name in names.items()} if self.folder else {}
        here = [f"{flag}={path.absolute()}" for flag, path in files.items() if path.is_file()]
        return ("--tlsverify" if self.verify else "--tls", *here)

    def context(self) -> ssl.SSLContext:
        """The client's side of TLS.

        Raises:
            OSError: a file cannot be read, or is not a certificate or key.
        """
        context = ssl.create_default_context()
        files = {name: self.folder / name for name in ("ca.pem", "cert.pem", "key.pem")} if self.folder else {}
        here = {name: str(path) for name, path in files.items() if path.is_file()}
        if self.verify and "ca.pem" in here:
            context = ssl.create_default_context(cafile=here["ca.pem"])
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if "cert.pem" in here and "key.pem" in here:
            context.load_cert_chain(here["cert.pem"], here["key.pem"], password=_no_password)
        return context


def _no_password() -> str:
    """Refuse an encrypted key, for whose password OpenSSL would otherwise prompt in the terminal, and wait."""
    raise OSError("key.pem is encrypted, which docker does not support either")
