"""An admission webhook of the tests, which refuses every object, or never answers."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from nbcontainer.clusters.connection import Cluster
from tests.clusters.breaking_proxy import server_tls
from tests.environment.cluster import Kubernetes

PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
NAME = "rule.example.com"


class Webhook:
    """It is asked about ConfigMaps of one namespace.

    Attributes:
        message: why it refuses; "" to never answer.
    """

    def __init__(self, cluster: Cluster, message: str) -> None:
        self.message = message
        self._cluster = cluster
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = server_tls().wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        authority = base64.b64encode(Kubernetes().pki.certificate("ca").read_bytes()).decode()
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
        webhook: dict[str, Any] = {
            "name": NAME,
            "clientConfig": {"url": f"https://127.0.0.1:{self._server.server_port}/", "caBundle": authority},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self._cluster.namespace}},
            "rules": [rule],
            "sideEffects": "NoneOnDryRun",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 1,
        }
        self._cluster.call("POST", PATH, body={"metadata": {"name": NAME}, "webhooks": [webhook]})
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._cluster.call("DELETE", f"{PATH}/{NAME}")
        self._server.shutdown()
        self._server.server_close()

    def wait_until_asked(self) -> None:
        """Wait until the API server asks it: it learns of webhooks by a watch."""
        path = f"/api/v1/namespaces/{self._cluster.namespace}/configmaps"
        deadline = time.monotonic() + 30
        while True:
            body = {"metadata": {"generateName": "asked-"}}
            status, _ = self._cluster.run(self._cluster.send("POST", path, parameters={"dryRun": "All"}, body=body))
            if status != 201:  # it is not created
                return
            assert time.monotonic() < deadline, "the API server does not ask the webhook"
            time.sleep(0.1)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not webhook.message:
                    webhook._over.wait(60)
                    return
                answer = {"uid": asked["request"]["uid"], "allowed": False, "status": {"message": webhook.message}}
                review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
                data = json.dumps(review).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        return Handler
