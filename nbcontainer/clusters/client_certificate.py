"""Whether a client certificate that an API server does not accept has expired."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster


def expired_words(cluster: Cluster) -> str:
    """What to do about a client certificate that is out of its time; "" for any other, or none."""
    try:
        certificate = x509.load_pem_x509_certificate(cluster.link.credentials.client_certificate)
    except ValueError:
        return ""
    began, ended = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if began <= datetime.now(UTC) <= ended:
        return ""
    return (
        f"Its client certificate is valid from {began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M UTC}: get a new one, "
        "or correct this machine's clock."
    )
