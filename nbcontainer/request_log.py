"""One debug line for each request, by Python's `logging`: method, path, status, milliseconds, and the server.

Nothing else about a request is logged: queries, headers and bodies may contain secrets.
"""

from __future__ import annotations

import logging
import re
import time
from types import TracebackType
from typing import Self

# a login before an address, or before a registry in an image name (with %40 by docker's package); not the @ of a
# digest, which an algorithm follows
ADDRESS_LOGIN = re.compile(r"(?<!unix:)(?<!/)//\S*@")
PATH_LOGIN = re.compile(r"[^/]*(?:@|%40)(?![a-z0-9+._-]+:[0-9a-f]{32})")


class LoggedRequest:
    """Logs a request when its block ends: with the response's `status`, or the type of the error that ended it.

    Args:
        logger: the sender's logger.
        method: the HTTP method.
        target: the path; a query is left out.
        where: the engine, cluster or registry, as the user knows it.

    Attributes:
        status: to be set once there is a response.
    """

    __slots__ = ("_began", "_logger", "_method", "_target", "_where", "status")

    def __init__(self, logger: logging.Logger, method: str, target: str, where: str) -> None:
        self._logger, self._method, self._target, self._where = logger, method, target, where
        self._began = 0.0  # stays 0 if nothing is to be logged
        self.status: int | str = ""

    def __enter__(self) -> Self:
        if self._logger.isEnabledFor(logging.DEBUG):
            self._began = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        if not self._began:
            return
        status = self.status or (kind.__name__ if kind else "")
        milliseconds = (time.perf_counter() - self._began) * 1000
        path = PATH_LOGIN.sub("", self._target.partition("?")[0])
        where = ADDRESS_LOGIN.sub("//", self._where)
        self._logger.debug("%s %s %s %.0f ms %s", self._method, path, status, milliseconds, where)
