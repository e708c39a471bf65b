"""A private ssh server on this machine, by which clients reach Docker Engine through ``ssh://``."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from . import folders, packages
from .docker import Docker
from .part import Part, State, Status, Unavailable, need_root
from .processes import Process, port_answers, run

SERVER = ["openssh-server", "openssh-client", "libwrap0", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3"]
LIBRARIES = ["libkrb5support0", "libkeyutils1", "libcom-err2", "libedit2", "libbsd0", "libmd0", "libcbor0.8"]
MORE = ["libfido2-1", "libnsl2", "libtirpc3", "libaudit1", "libcap-ng0", "libpam0g", "libselinux1", "libsystemd0"]
SEPARATED = "sshd"
"""The user that an ssh server run by root needs for privilege separation before a login."""


class Sshd(Part):
    """OpenSSH's server for root with a key only for the tests; ``docker`` there is the tests' engine."""

    name = "sshd"
    needs = ("docker",)

    @property
    def port(self) -> int:
        return folders.port("SSHD", 5022)

    @property
    def host(self) -> str:
        """What ``DOCKER_HOST`` must be."""
        return f"ssh://{pwd.getpwuid(os.geteuid()).pw_name}@127.0.0.1:{self.port}"

    @property
    def client_path(self) -> Path:
        """The folder of an ``ssh`` that knows the key and the server; it comes first on a client's ``PATH``."""
        return folders.folder(self.name, "bin")

    def tree(self) -> Path:
        return packages.unpack(self.name, [*SERVER, *LIBRARIES, *MORE])

    def install(self) -> None:
        need_root("an ssh server")
        self.tree()
        try:
            pwd.getpwnam(SEPARATED)
        except KeyError:
            run(["useradd", "--system", "--home-dir", "/run/sshd", "--shell", "/usr/sbin/nologin", SEPARATED])

    def _key(self, name: str) -> Path:
        path = folders.folder(self.name) / name
        if not path.exists():
            keygen = str(self.tree() / "usr/bin/ssh-keygen")
            run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], environment=self._variables())
        return path

    def _variables(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": packages.library_path(self.tree())}

    def _configure(self) -> None:
        root = folders.folder(self.name)
        host_key, key = self._key("host_key"), self._key("key")
        shutil.copy(key.with_suffix(".pub"), root / "authorized_keys")
        docker = Path(Docker().client()).parent
        path = f"{docker}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {host_key}",
            f"PidFile {root / 'pid'}",
            f"AuthorizedKeysFile {root / 'authorized_keys'}",
            "AuthenticationMethods publickey",
            "PermitRootLogin prohibit-password",
            "StrictModes no",
            "UsePAM no",
            f"SetEnv PATH={path} DOCKER_HOST={Docker().host} LD_LIBRARY_PATH=",
        ]
        folders.write(root / "sshd_config", "\n".join(lines) + "\n")
        name, address = f"[127.0.0.1]:{self.port}", host_key.with_suffix(".pub").read_text(encoding="ascii")
        folders.write(root / "known_hosts", f"{name} {address}")
        client = [
            f"IdentityFile {key}",
            "IdentitiesOnly yes",
            "StrictHostKeyChecking yes",
            f"UserKnownHostsFile {root / 'known_hosts'}",
            "BatchMode yes",
        ]
        folders.write(root / "ssh_config", "\n".join(client) + "\n")
        library = self._variables()["LD_LIBRARY_PATH"]
        program = self.tree() / "usr/bin/ssh"
        # ssh looks for its configuration in the home folder from the password file and ignores HOME
        script = f'#!/bin/sh\nLD_LIBRARY_PATH={library} exec {program} -F {root / "ssh_config"} "$@"\n'
        folders.write(self.client_path / "ssh", script, 0o755)

    def up(self) -> None:
        with folders.locked(self.name):
            self.install()
            self._configure()
            process = Process(
                self.name,
                [str(self.tree() / "usr/sbin/sshd"), "-D", "-e", "-f", str(folders.folder(self.name) / "sshd_config")],
                self._variables(),
            )
            if process.pid() is None:
                if port_answers(self.port):
                    raise Unavailable(f"port {self.port} is in use: set NBCONTAINER_ENVIRONMENT_SSHD_PORT")
                Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
                process.start()
            process.wait(lambda: port_answers(self.port), 20)

    def down(self) -> None:
        Process(self.name).stop()

    def status(self) -> Status:
        if Process(self.name).pid() is None:
            return Status(State.DOWN, "not started")
        if not port_answers(self.port):
            return Status(State.DOWN, f"port {self.port} does not answer")
        return Status(State.UP, self.host)

    def env(self) -> dict[str, str]:
        return {"NBCONTAINER_TEST_SSH_HOST": self.host, "NBCONTAINER_TEST_SSH_PATH": str(self.client_path)}
