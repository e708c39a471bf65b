"""Asks a BuildKit about a text; nothing is run."""

import contextlib
import json
import threading
import uuid
from collections.abc import Iterator

from nbcontainer.buildkit import Control, DockerfileFlags, Services, SolveError, SolveOptions, Tree
from nbcontainer.buildkit.gateway import Gateway
from nbcontainer.buildkit.rpc_status import RpcError


class Asked:
    """A BuildKit to ask."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def error(self, text: str) -> str | None:
        """Its error for a text, or None."""
        try:
            self.configuration(text)
        except SolveError as error:
            return error.message
        return None

    def configuration(self, text: str) -> dict[str, object]:
        """The configuration of the image that a text makes.

        Raises:
            SolveError: it makes none.
        """
        with self._gateway(text) as (gateway, options):
            metadata = gateway.solve(options)[0].metadata
        found: dict[str, object] = json.loads(metadata.get("containerimage.config", b"{}"))
        return found

    def findings(self, text: str) -> list[tuple[str, int]] | None:
        """What its lint rules find, with the lines; None if the text is wrong."""
        with self._gateway(text) as (gateway, options):
            try:
                answer = gateway.subrequest("frontend.lint", options)
            except SolveError:
                return None
        if answer.get("buildError"):
            return None
        return sorted(
            {
                (warning["ruleName"], warning["location"]["ranges"][0]["start"]["line"])
                for warning in answer.get("warnings") or ()  # type: ignore[attr-defined]
            }
        )

    @contextlib.contextmanager
    def _gateway(self, text: str) -> Iterator[tuple[Gateway, SolveOptions]]:
        trees = {"dockerfile": Tree(files={"Dockerfile": text.encode()}), "context": Tree(files={})}
        options = SolveOptions(frontend_attributes=DockerfileFlags().attributes())
        session, ref, calls = self._control.start_session(Services(trees=trees)), uuid.uuid4().hex, []

        def outer() -> None:
            with contextlib.suppress(RpcError):
                self._control.solve(options.request(ref, session.id, through_gateway=True), on_call=calls.append)

        thread = threading.Thread(target=outer, daemon=True)
        thread.start()
        gateway = Gateway(self._control, ref)
        try:
            gateway.ping()
            yield gateway, options
        finally:
            gateway.cancel()
            for call in calls:
                call.cancel()
            thread.join(10)
            session.close()
