"""A token server like Docker Hub's: bearer tokens for a scope, with or without a login.

Runs standalone (``python token_server.py PORT FOLDER SERVICE PASSWORD``), standard library only. Without a login a
client may pull everything; the user ``alice`` may also push anywhere but into ``library/``, as on Docker Hub.
Protocol: distribution's "Token Authentication Specification" and "OAuth2" (POST with grant_type).

For tests, ``PUT /lifetime`` with a number of seconds as its body sets how long further tokens live. The registry grants
60 s of leeway, so a lifetime of -120 makes tokens that have already expired; an empty body brings back the default.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

DEFAULT_LIFETIME_SECONDS = 300
ISSUER = "nbcontainer tests"
USER = "alice"
ANONYMOUS = ""


def allowed(user: str, repository: str) -> set[str]:
    """The actions that a user may take on a repository; ``""`` is everybody."""
    if user == USER and not repository.startswith("library/"):
        return {"pull", "push", "delete"}
    return {"pull"}


def granted(user: str, scopes: list[str]) -> list[dict[str, Any]]:
    """The part of the requested scopes (``repository:NAME:ACTION,...``) that a user is granted."""
    access = []
    for scope in " ".join(scopes).split():
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and name:
            given = sorted(allowed(user, name).intersection(actions.split(",")))
            access.append({"type": kind, "name": name, "actions": given})
    return access


def encode(data: bytes) -> str:
    """Base64 as JSON Web Tokens write it (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens:
    """Signs tokens with the key whose certificate the registry trusts."""

    def __init__(self, folder: Path, service: str, password: str) -> None:
        self.key = folder / "token.key"
        self.openssl = (folder / "openssl").read_text(encoding="utf-8").strip()
        pem = (folder / "token.crt").read_text(encoding="ascii").splitlines()
        self.certificate = "".join(line for line in pem if not line.startswith("-"))
        self.service = service
        self.password = password
        self.lifetime = DEFAULT_LIFETIME_SECONDS
        # a login's refresh token stands for the password and is lost when the server stops
        self.refresh_tokens: set[str] = set()

    def user(self, name: str, password: str) -> str | None:
        """The user with this login; None if name or password is wrong."""
        right = secrets.compare_digest(password.encode(), self.password.encode())
        return name if name == USER and right else None

    def issue(self, user: str, scopes: list[str]) -> dict[str, Any]:
        """The reply with a signed token for the scopes granted."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": self.service,
            "iat": now + min(self.lifetime, 0),
            "nbf": now - 600,
            "exp": now + self.lifetime,
            "jti": secrets.token_hex(8),
            "access": granted(user, scopes),
        }
        header = {"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        command = [self.openssl, "dgst", "-sha256", "-sign", str(self.key)]
        signature = subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout
        token = f"{signed}.{encode(signature)}"
        issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        return {"token": token, "access_token": token, "expires_in": max(self.lifetime, 0), "issued_at": issued}

    def refresh_token(self) -> str:
        """A new refresh token for the one user."""
        token = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
        self.refresh_tokens.add(token)
        return token


class Handler(http.server.BaseHTTPRequestHandler):
    """One request for a token."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # BuildKit falls back from TLS to http only when the answer starts "HTTP/"
    tokens: Tokens

    def reply(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        """Sends JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self) -> None:
        """Wrong credentials."""
        error = {"code": "UNAUTHORIZED", "message": "incorrect username or password"}
        self.reply(401, {"errors": [error], "details": error["message"]}, {"WWW-Authenticate": 'Basic realm="tokens"'})

    def do_GET(self) -> None:
        """The plain protocol: scopes in the query, HTTP basic for a login."""
        url = urllib.parse.urlsplit(self.path)
        if url.path != "/token":
            self.reply(404, {"errors": [{"code": "NOT_FOUND", "message": url.path}]})
            return
        query = urllib.parse.parse_qs(url.query)
        user: str | None = ANONYMOUS
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
            except ValueError:
                name = password = ""
            user = self.tokens.user(name, password)
        if user is None:
            self.refuse()
            return
        answer = self.tokens.issue(user, query.get("scope", []))
        if user and query.get("offline_token") == ["true"]:
            answer["refresh_token"] = self.tokens.refresh_token()
        self.reply(200, answer)

    def do_POST(self) -> None:
        """The OAuth2 protocol: a form with grant_type password or refresh_token."""
        form = urllib.parse.parse_qs(self.body().decode("utf-8", "replace"))

        def value(name: str) -> str:
            return form.get(name, [""])[0]

        if value("grant_type") == "password":
            user = self.tokens.user(value("username"), value("password"))
        elif value("grant_type") == "refresh_token":
            user = USER if value("refresh_token") in self.tokens.refresh_tokens else None
        else:
            self.reply(400, {"error": "unsupported_grant_type"})
            return
        if user is None:
            self.refuse()
            return
        answer = {**self.tokens.issue(user, form.get("scope", [])), "scope": value("scope")}
        if value("access_type") == "offline" or value("grant_type") == "refresh_token":
            answer["refresh_token"] = value("refresh_token") or self.tokens.refresh_token()
        self.reply(200, answer)

    def do_PUT(self) -> None:
        """Sets the lifetime of new tokens."""
        body = self.body().decode("ascii", "replace").strip()
        if self.path != "/lifetime" or not (body == "" or body.lstrip("-").isdigit()):
            self.reply(400, {"error": "PUT /lifetime takes a whole number of seconds"})
            return
        self.tokens.lifetime = int(body) if body else DEFAULT_LIFETIME_SECONDS
        self.reply(200, {"lifetime": self.tokens.lifetime})

    def body(self) -> bytes:
        """The request's body; Podman sends it in chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # the trailers
            pass
        return body


def serve(port: int, folder: Path, service: str, password: str) -> None:
    """Serves tokens on loopback until the process is stopped."""
    Handler.tokens = Tokens(folder, service, password)
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
