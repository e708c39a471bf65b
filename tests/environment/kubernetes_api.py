"""The few calls that the environment itself makes to the cluster, using only the standard library."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .certificates import Authority


class Api:
    """Talks to the apiserver as its administrator.

    Args:
        server: Such as ``https://127.0.0.1:16443``.
        pki: Where the certificates are.
    """

    def __init__(self, server: str, pki: Authority) -> None:
        context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
        context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
        self.server = server
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def call(self, path: str, method: str = "GET", body: Any = None, kind: str = "application/json") -> Any:
        """The decoded reply; None if the apiserver does not answer or has no such object."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data=data, method=method, headers={"Content-Type": kind})
        try:
            with self._opener.open(request, timeout=10) as reply:
                content = reply.read()
        except urllib.error.HTTPError as error:
            error.close()
            return None
        except OSError:
            return None
        try:
            return json.loads(content)
        except ValueError:
            return content.decode("utf-8", "replace")

    def apply(self, path: str, document: Any) -> Any:
        """Server-side apply."""
        query = "?fieldManager=nbcontainer-environment&force=true"
        return self.call(path + query, "PATCH", document, "application/apply-patch+yaml")

    def ready(self) -> bool:
        """Whether the apiserver says it is ready."""
        return bool(self.call("/readyz") == "ok")

    def node_ready(self, name: str) -> bool:
        """Whether the node's Ready condition is true."""
        node = self.call(f"/api/v1/nodes/{name}") or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
