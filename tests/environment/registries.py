"""Three registries: an open one (also the mirror of Docker Hub's names), one with a password, one with tokens."""

from __future__ import annotations

import base64
import json
import sys
from typing import ClassVar

from . import folders, packages
from .http_requests import request
from .part import Part, State, Status, Unavailable
from .processes import Process, StartFailed, port_answers, run

USER = "alice"
PASSWORD = "secret"


# the output of `htpasswd -Bbn alice secret`: a constant, because Python has no bcrypt
_PASSWORD_LINE = "alice:$2y$05$UvVL2gzjPvKIsLLdZIfmu.FfZtQlJaju8UfUHQId4xgaFS8HWNvqW"


def basic(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    """The header of HTTP basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _answers(address: str) -> bool:
    try:
        return request(f"http://{address}/v2/").status in (200, 401)
    except OSError:
        return False


class Registry(Part):
    """The open registry. Its images outlive ``down``, as the base images are made once."""

    name = "registry"
    port_name: ClassVar[str] = "REGISTRY"
    default_port: ClassVar[int] = 5000
    variable: ClassVar[str] = "NBCONTAINER_TEST_REGISTRY"
    storage: ClassVar[str] = "registry"

    @property
    def address(self) -> str:
        """Host and port, as in image names."""
        return f"127.0.0.1:{folders.port(self.port_name, self.default_port)}"

    @property
    def process(self) -> Process:
        tree = packages.unpack("registry", ["docker-registry"])
        program = tree / "usr/bin/docker-registry"
        return Process(self.name, [str(program), "serve", str(folders.folder(self.name) / "config.json")])

    def install(self) -> None:
        packages.unpack("registry", ["docker-registry"])

    def authentication(self) -> dict[str, object]:
        """The registry's ``auth`` section; empty for the open one."""
        return {}

    def configuration(self) -> dict[str, object]:
        """The whole configuration; JSON is YAML too."""
        data = folders.folder(self.storage, "data")
        authentication = self.authentication()
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
            "http": {"addr": self.address},
            **({"auth": authentication} if authentication else {}),
        }

    def up(self) -> None:
        with folders.locked(self.name):
            process = self.process
            folders.write(folders.folder(self.name) / "config.json", json.dumps(self.configuration(), indent=1))
            if process.pid() is None and port_answers(int(self.address.rpartition(":")[2])):
                raise Unavailable(
                    f"port {self.address} is in use by another program: "
                    f"set NBCONTAINER_ENVIRONMENT_{self.port_name}_PORT"
                )
            process.start()
            process.wait(lambda: _answers(self.address), 20)

    def down(self) -> None:
        Process(self.name).stop()

    def status(self) -> Status:
        if Process(self.name).pid() is None:
            return Status(State.DOWN, "not started")
        if not _answers(self.address):
            return Status(State.DOWN, f"{self.address} does not answer")
        return Status(State.UP, self.address)

    def env(self) -> dict[str, str]:
        return {self.variable: self.address}


class PasswordRegistry(Registry):
    """A registry that requires a user and a password (HTTP basic) for everything."""

    name = "registry-password"
    port_name = "PASSWORD_REGISTRY"
    default_port = 5001
    variable = "NBCONTAINER_TEST_PASSWORD_REGISTRY"
    storage = "registry-password"

    def authentication(self) -> dict[str, object]:
        path = folders.write(folders.folder(self.name) / "htpasswd", _PASSWORD_LINE + "\n", 0o600)
        return {"htpasswd": {"realm": "nbcontainer tests", "path": str(path)}}

    def env(self) -> dict[str, str]:
        return {
            self.variable: self.address,
            "NBCONTAINER_TEST_REGISTRY_USER": USER,
            "NBCONTAINER_TEST_REGISTRY_PASSWORD": PASSWORD,
        }


class TokenRegistry(Registry):
    """A registry that takes bearer tokens of a token server, as Docker Hub does, over the open one's images.

    The registry checks signature, expiry and scope of each token itself (its own ``auth: token``); the token server
    is :mod:`tests.environment.token_server`.
    """

    name = "registry-token"
    port_name = "TOKEN_REGISTRY"
    default_port = 5002
    variable = "NBCONTAINER_TEST_TOKEN_REGISTRY"
    storage = "registry"  # shared with the open one: base images and pushes are the same in both

    @property
    def token_port(self) -> int:
        return folders.port("TOKEN_SERVER", 5003)

    @property
    def realm(self) -> str:
        """The address of the token server."""
        return f"http://127.0.0.1:{self.token_port}/token"

    @property
    def token_process(self) -> Process:
        script = folders.SOURCES / "token_server.py"
        arguments = [str(self.token_port), str(folders.folder(self.name)), self.address, PASSWORD]
        return Process("registry-token-server", [sys.executable, "-I", str(script), *arguments])

    def authentication(self) -> dict[str, object]:
        files = folders.folder(self.name)
        folders.write(files / "openssl", packages.program("openssl"))
        certificate, key = files / "token.crt", files / "token.key"
        if not certificate.exists() or not key.exists():
            new = files / "new.key"
            command = [packages.program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
            run([*command, "-subj", "/CN=nbcontainer test tokens", "-keyout", str(new), "-out", str(certificate)])
            new.replace(key)
        return {
            "token": {
                "realm": self.realm,
                "service": self.address,
                "issuer": "nbcontainer tests",
                "rootcertbundle": str(certificate),
            }
        }

    def up(self) -> None:
        super().up()
        with folders.locked("registry-token-server"):
            process = self.token_process
            if process.pid() is None and port_answers(self.token_port):
                raise StartFailed(
                    f"port {self.token_port} is in use by another program: "
                    f"set NBCONTAINER_ENVIRONMENT_TOKEN_SERVER_PORT"
                )
            process.start()
            process.wait(lambda: port_answers(self.token_port), 20)

    def down(self) -> None:
        self.token_process.stop()
        super().down()

    def status(self) -> Status:
        status = super().status()
        if status and not port_answers(self.token_port):
            return Status(State.DOWN, f"the token server {self.realm} does not answer")
        return status

    def env(self) -> dict[str, str]:
        return {self.variable: self.address, "NBCONTAINER_TEST_TOKEN_SERVER": self.realm}
