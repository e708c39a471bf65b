"""Base images under their Docker Hub names, made from Debian packages and the machine's own Go and Python.

They are stand-ins for a machine that cannot reach Docker Hub: ``alpine`` is busybox without apk, ``ubuntu`` is
Debian 12, and ``registry`` is Debian's build of the same program.
The versions in the tags are the real ones. No engine is needed to make them.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from . import folders, golang, layers, packages
from .layers import Image, Layer, Tree, make_layer
from .part import Part, State, Status, need_root, say
from .processes import run
from .registries import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_UNNEEDED = ("man", "doc", "locale", "info")


def _busybox_files(tree: Tree) -> None:
    program = packages.unpack("busybox", ["busybox-static"]) / "bin/busybox"
    for name in ("bin", "etc", "root", "proc", "sys", "dev", "usr", "var", "home"):
        tree.folder(name)
    tree.folder("tmp", 0o1777)
    tree.file("bin/busybox", program, 0o755)
    for name in run([str(program), "--list"]).split():
        if name != "busybox":
            tree.link(f"bin/{name}", "busybox")
    tree.link("sbin", "bin")
    tree.link("usr/bin", "../bin")
    tree.link("usr/sbin", "../bin")
    tree.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    tree.file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    tree.file(
        "etc/os-release", b'ID=busybox\nNAME="BusyBox"\nPRETTY_NAME="BusyBox of Debian 12, a stand-in without apk"\n'
    )
    if _CERTIFICATES.exists():
        tree.file("etc/ssl/certs/ca-certificates.crt", _CERTIFICATES)


# that of the image on Docker Hub, github.com/distribution/distribution-library-image
_REGISTRY_CONFIGURATION = b"""version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""


def _registry_files(tree: Tree) -> None:
    """Debian's build of the same registry, with the C library that it needs."""
    unpacked = packages.unpack("registry-image", ["docker-registry", "libc6"])
    tree.file("bin/registry", unpacked / "usr/bin/docker-registry", 0o755)
    tree.file("etc/docker/registry/config.yml", _REGISTRY_CONFIGURATION)
    for pattern in ("lib*/ld-linux-*", "lib/*-linux-gnu/ld-linux-*", "lib/*-linux-gnu/libc.so.6"):
        for path in sorted(unpacked.glob(pattern)):
            tree.copy(path, str(path.relative_to(unpacked)))


def _debian_archive(target: Path) -> None:
    """Makes a minimal Debian 12 with mmdebstrap: 50 s."""
    need_root("mmdebstrap")
    tree = packages.unpack("mmdebstrap", ["mmdebstrap"])
    sources = [f"deb {address} {suite} main" for suite, address in packages.mirrors().items()]
    options = [
        *["--quiet", "--variant=minbase", "--include=ca-certificates", "--mode=root"],
        *['--aptopt=APT::Install-Recommends "false"', '--aptopt=APT::Sandbox::User "root"'],
        *[f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNNEEDED],
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    ]
    # behind an inspecting proxy, the machine has the proxy's certificate here, and containers need it, too
    certificates = sorted(_LOCAL_CERTIFICATES.glob("*.crt"))
    options += [f"--customize-hook=copy-in {certificate} {_LOCAL_CERTIFICATES}" for certificate in certificates]
    options.append('--customize-hook=chroot "$1" update-ca-certificates')
    command = [str(tree / "usr/bin/mmdebstrap"), *options, packages.RELEASE, str(target), *sources]
    run(
        command,
        environment={
            "PATH": packages.program_path(tree),
            "SOURCE_DATE_EPOCH": str(layers.CREATED_SECONDS),
            "DEBIAN_FRONTEND": "noninteractive",
            "TMPDIR": str(target.parent),
        },
    )


def _keep_of_go(path: Path) -> bool:
    """What ``go build`` needs of GOROOT: no tests, test data or documentation."""
    unneeded = {"test", "api", "doc", "misc"}
    return not (path.parts[0] in unneeded or "testdata" in path.parts or path.name.endswith("_test.go"))


def _go_files(tree: Tree) -> None:
    root = golang.toolchain().parents[1]
    tree.copy(root, "usr/local/go", _keep_of_go)
    for name in ("go/src", "go/bin", "go"):
        tree.folder(name, 0o777)


@dataclass(frozen=True)
class Python:
    """A Python of the machine that can go into an image.

    Args:
        prefix: A whole installation in one folder (pyenv's or uv's), or None for Debian's own packages.
        version: Such as ``3.12``.
    """

    prefix: Path | None
    version: str


def find_python() -> Python:
    """Python 3.12 if the machine has one in its own folder, else Debian's Python 3.11."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    uv = Path.home() / ".local/share/uv/python"
    for program in sorted([*pyenv.glob("3.12.*/bin/python3.12"), *uv.glob("cpython-3.12*/bin/python3.12")]):
        if packages.works(str(program), "-c", "import ssl, sqlite3, ctypes, bz2, lzma"):
            return Python(program.parents[1], "3.12")
    return Python(None, "3.11")


_PYTHON_LIBRARIES = [
    *["libssl3", "libsqlite3-0", "libffi8", "libbz2-1.0", "liblzma5", "libreadline8", "readline-common"],
    *["zlib1g", "libncursesw6", "libtinfo6", "libuuid1", "libexpat1"],
]
_DEBIAN_PYTHON = [
    *["python3.11", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "media-types"],
    *[
        "libnsl2",
        "libtirpc3",
        "libgssapi-krb5-2",
        "libkrb5-3",
        "libk5crypto3",
        "libcom-err2",
        "libkrb5support0",
        "libkeyutils1",
    ],
    *["python3-pip-whl", "libdb5.3"],
]


def _python_files(python: Python) -> Callable[[Tree], None]:
    """Fills the layer that goes onto Debian. No program runs in it, so links and scripts are created here."""

    def keep(path: Path) -> bool:
        """Of the standard library, paths relative to it."""
        inside = path.parts
        third_party = inside[:1] == ("site-packages",) and len(inside) > 1 and not inside[1].startswith("pip")
        unneeded = inside[:1] in {("test",), ("idlelib",)} or (inside and inside[0].startswith("config-"))
        return not (third_party or unneeded or "__pycache__" in path.parts or path.suffix == ".a")

    def fill(tree: Tree) -> None:
        merged = {"bin": "usr/bin", "lib": "usr/lib", "sbin": "usr/sbin", "lib64": "usr/lib64"}
        extra = _DEBIAN_PYTHON if python.prefix is None else []
        unpacked = packages.unpack("python-image", [*_PYTHON_LIBRARIES, *extra])
        for path in sorted(unpacked.rglob("*")):
            relative = path.relative_to(unpacked)
            top, *rest = relative.parts
            documents = relative.parts[:2] == ("usr", "share") and relative.parts[2:3] in {
                ("doc",),
                ("man",),
                ("lintian",),
            }
            if documents or (path.is_dir() and not path.is_symlink()):
                continue
            # /lib is a link to /usr/lib in Debian 12: a folder of that name in a layer would replace it
            tree.copy(path, "/".join([merged.get(top, top), *rest]))
        version, program = python.version, f"python{python.version}"
        where = "usr/bin" if python.prefix is None else "usr/local/bin"
        if python.prefix is not None:
            tree.copy(python.prefix / "bin" / program, f"usr/local/bin/{program}")
            tree.copy(python.prefix / "lib" / program, f"usr/local/lib/{program}", keep)
            for library in sorted(python.prefix.glob(f"lib/libpython{version}.so.*")):
                # the loader searches here without an ldconfig cache, but not in /usr/local/lib
                tree.copy(library, f"usr/lib/{platform.machine()}-linux-gnu/{library.name}")
        for alias in ("python3", "python"):
            tree.link(f"{where}/{alias}" if python.prefix else f"usr/local/bin/{alias}", f"/{where}/{program}")
        script = f"#!/{where}/{program}\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
        for alias in ("pip", "pip3", f"pip{version}"):
            tree.file(f"usr/local/bin/{alias}", script.encode(), 0o755)

    return fill


def _package_settings() -> list[str]:
    """The machine's package sources, as variables for programs in containers; read when the images are made."""
    found = [f"PIP_CERT={_CERTIFICATES}"] if _CERTIFICATES.exists() else []
    proxy = subprocess.run(
        [str(golang.toolchain()), "env", "GOPROXY", "GOSUMDB"], capture_output=True, text=True, check=False
    )
    for name, value in zip(("GOPROXY", "GOSUMDB"), proxy.stdout.splitlines(), strict=False):
        found.append(f"{name}={value}")
    index = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    for line in index.splitlines():
        match = re.match(r"global\.(index-url|extra-index-url|trusted-host)='(.*)'", line)
        if match:
            found.append(f"PIP_{match[1].replace('-', '_').upper()}={match[2]}")
    return found


class Images(Part):
    """All base images; ``small`` makes only what the demo needs."""

    name = "images"
    needs = ("registry",)
    small = False

    def __init__(self, *, small: bool = False) -> None:
        self.small = small
        self._layers: dict[str, Layer] = {}

    @property
    def registry(self) -> str:
        """The registry that the images are pushed to."""
        return Registry().address

    def names(self) -> dict[str, list[str]]:
        """The images, and the names of each below ``library/``, the most used one first."""
        go_version = golang.version(golang.toolchain()) or ()
        go, full = f"{go_version[0]}.{go_version[1]}", ".".join(map(str, go_version))
        golang_small = [f"golang:{go}-alpine", "golang:alpine", f"golang:{full}-alpine"]
        names = {"busybox": ["busybox:latest", "busybox:stable", "alpine:latest"], "golang-alpine": golang_small}
        if self.small:
            return names
        python = find_python().version
        return {
            **names,
            "registry": ["registry:2"],
            "debian": [
                "debian:bookworm-slim",
                "debian:bookworm",
                "debian:12",
                "debian:latest",
                "ubuntu:latest",
                "ubuntu:18.04",
            ],
            "golang": [f"golang:{go}", f"golang:{go}-bookworm", f"golang:{full}", "golang:latest"],
            "python": [f"python:{python}-slim", f"python:{python}", "python:slim", "python:latest"],
        }

    def missing(self) -> list[str]:
        """The images that the registry does not yet serve under all their names."""
        registry = self.registry
        return [
            image
            for image, names in self.names().items()
            if not all(layers.served(registry, f"library/{name}") for name in names)
        ]

    def install(self) -> None:
        packages.unpack("busybox", ["busybox-static"])
        golang.toolchain()

    def up(self) -> None:
        self.install()
        with folders.locked("images"), TemporaryDirectory(dir=folders.folder("images"), prefix=".make-") as temporary:
            for image in self.missing():
                self.make(image, Path(temporary))

    def make(self, image: str, work: Path) -> None:
        """Makes one image and pushes it under all its names."""
        say(f"images: making {image}")
        config: dict[str, Any] = {"Env": [_PATH, *self._settings(image)], "Cmd": ["sh"]}
        stack = [self._layer("busybox" if image in {"busybox", "golang-alpine", "registry"} else "debian", work)]
        if image in {"golang", "golang-alpine"}:
            stack.append(self._layer("go", work))
            path = _PATH.replace("=", "=/go/bin:/usr/local/go/bin:")
            go = ["GOPATH=/go", "CGO_ENABLED=0", "GOTOOLCHAIN=local"]
            config |= {"Env": [path, *go, *self._settings(image)], "WorkingDir": "/go"}
        if image == "registry":
            stack.append(self._layer("registry", work))
            config |= {"Entrypoint": ["registry", "serve"], "Cmd": ["/etc/docker/registry/config.yml"]}
            config |= {"ExposedPorts": {"5000/tcp": {}}, "Volumes": {"/var/lib/registry": {}}}
        if image == "debian":
            config["Cmd"] = ["bash"]
        if image == "python":
            stack.append(self._layer("python", work))
            config["Cmd"] = ["python3"]
        architecture = layers.ARCHITECTURES.get(platform.machine(), platform.machine())
        names = self.names()[image]
        digest = layers.push(self.registry, Image(stack, config, architecture), [f"library/{name}" for name in names])
        size = sum(layer.size for layer in stack) / 1e6
        say(f"images: {', '.join(names)}: {digest[:19]}, {size:.0f} MB compressed")

    def _settings(self, image: str) -> list[str]:
        if image in {"busybox", "debian", "registry"}:
            return []
        prefix = ("PIP_",) if image == "python" else ("GO",)
        found = [item for item in _package_settings() if item.startswith(prefix)]
        return [*found, "PIP_DISABLE_PIP_VERSION_CHECK=1"] if image == "python" else found

    def _layer(self, name: str, work: Path) -> Layer:
        """A layer, built once for the images that share it."""
        if name not in self._layers or not self._layers[name].path.exists():
            target = work / f"{name}.tar.gz"
            if name == "debian":
                archive = work / "debian.tar"
                _debian_archive(archive)
                self._layers[name] = layers.layer_of_archive(target, archive)
                archive.unlink()
            else:
                fills = {"busybox": _busybox_files, "go": _go_files, "registry": _registry_files}
                fill = fills.get(name) or _python_files(find_python())
                self._layers[name] = make_layer(target, fill)
        return self._layers[name]

    def down(self) -> None:
        """Nothing runs: the images stay in the registry's folder."""

    def status(self) -> Status:
        if not Registry().status():
            return Status(State.DOWN, "the open registry is down")
        if golang.find() is None:
            return Status(State.DOWN, "not made yet")
        missing = self.missing()
        if missing:
            return Status(State.DOWN, f"not made yet: {', '.join(missing)}")
        return Status(State.UP, ", ".join(names[0] for names in self.names().values()) + f" at {self.registry}")

    def env(self) -> dict[str, str]:
        names = self.names()
        return {f"NBCONTAINER_TEST_IMAGE_{image.upper().replace('-', '_')}": tags[0] for image, tags in names.items()}
