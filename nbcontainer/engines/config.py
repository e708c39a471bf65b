"""What docker's own configuration says: config.json, contexts and proxies. Read only; `registries` writes logins.

`docker.context` of the docker package (7.2) is not used, since it differs from docker's command: it does not see the
contexts of a DOCKER_CONFIG without a config.json, one unreadable file fails the whole list, and a context with
only a ca.pem, or with SkipTLSVerify and no certificates, loses its TLS.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbcontainer.engines.tls import Tls
from nbcontainer.errors import UsageError
from nbcontainer.model.commands import EngineCommands

DEFAULT = "default"
PROXY_NAMES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}


Config = dict[str, Any]
"""Docker's config.json, whose values may be anything."""


@dataclass(frozen=True, slots=True)
class Context:
    """A docker context: a named address."""

    name: str
    address: str
    tls: Tls | None = None


def config_folder() -> Path:
    """The folder of docker's configuration: DOCKER_CONFIG, else ~/.docker."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def named_folder() -> str:
    """The folder of docker's configuration, for a name in it: in a terminal's own folder it may mean something else."""
    return str(config_folder().absolute())


def unusual_folder() -> str:
    """The folder of docker's configuration, or "" for ~/.docker, which a terminal uses by default."""
    return "" if config_folder() == Path.home() / ".docker" else named_folder()


def configured_commands() -> EngineCommands:
    """Docker's commands for what is in its configuration, whatever the engine is."""
    return EngineCommands(configuration=unusual_folder())


def config_file() -> Path:
    """The path of docker's config.json, which need not exist."""
    return config_folder() / "config.json"


def load_config(path: Path | None = None) -> Config:
    """config.json, or {} where there is none.

    Raises:
        UsageError: it exists, but is not a JSON object, or cannot be read.
    """
    path = path or config_file()
    try:
        value = json.loads(path.read_bytes() or b"{}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise UsageError(f"docker's configuration {path} cannot be read: {why}.", cure="Fix or remove it.") from None
    if not isinstance(value, dict):
        raise UsageError(f"docker's configuration {path} is not a JSON object.", cure="Fix or remove it.")
    return value


def find_context(name: str) -> Context | None:
    """The docker context of that name, or None. Format: docker/cli, cli/context/store."""
    if name == DEFAULT:
        return _default_context()
    folder = config_folder() / "contexts"
    key = hashlib.sha256(name.encode()).hexdigest()
    try:
        meta = json.loads((folder / "meta" / key / "meta.json").read_bytes())
        endpoint = meta["Endpoints"]["docker"]
        address = str(endpoint["Host"])
        verify = not endpoint.get("SkipTLSVerify", False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    files = folder / "tls" / key / "docker"
    tls = Tls(files, verify=verify) if files.is_dir() or not verify else None
    return Context(name, address, tls)


def _default_context() -> Context:
    """What docker's commands use where no context is chosen; no file has it."""
    return Context(DEFAULT, os.environ.get("DOCKER_HOST", "").strip() or "unix:///var/run/docker.sock")


def contexts() -> list[Context]:
    """All docker contexts: docker's default one, those of DOCKER_CONFIG, and those of ~/.docker.

    Unreadable ones are skipped. TLS is left out; `find_context` has it.
    """
    found = [_default_context()]
    for folder in dict.fromkeys((config_folder(), Path.home() / ".docker")):
        for file in sorted((folder / "contexts" / "meta").glob("*/meta.json")):
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                meta = json.loads(file.read_bytes())
                found.append(Context(str(meta["Name"]), str(meta["Endpoints"]["docker"]["Host"])))
    return found


def proxies(address: str, config: Config | None = None) -> dict[str, str]:
    """The proxy variables that docker's config sets for builds and containers on the engine at `address`.

    Both spellings, HTTP_PROXY and http_proxy, as docker sets them; {} where the config has none. Source: docker/cli,
    ConfigFile.ParseProxyConfig.
    """
    found: dict[str, str] = {}
    for key, value in proxy_table(address, config).items():
        found[PROXY_NAMES[key]] = found[PROXY_NAMES[key].lower()] = value
    return found


def proxy_table(address: str, config: Config | None = None) -> dict[str, str]:
    """The same, by their names in the config, such as "httpProxy"."""
    table = (load_config() if config is None else config).get("proxies")
    if not isinstance(table, dict):
        return {}
    chosen = table.get(address)
    if not isinstance(chosen, dict):
        chosen = table.get("default")
    if not isinstance(chosen, dict):
        return {}
    return {key: chosen[key] for key in PROXY_NAMES if isinstance(chosen.get(key), str) and chosen[key]}
