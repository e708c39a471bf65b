"""The push of an image that was just built, as part of the build."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nbcontainer.engines.connection import Engine
from nbcontainer.engines.images import push
from nbcontainer.model.build import BuildEvent, ImageBuilt, PushProgress
from nbcontainer.model.build_steps import Transfer
from nbcontainer.model.images import ImageTransferred, LayerProgress
from nbcontainer.operation import Progress


def push_built(engine: Engine, tags: Sequence[str], progress: Progress[BuildEvent]) -> None:
    """Push every tag, one after the other, and emit the progress of their layers.

    Raises:
        AuthFailed, Forbidden, NotFound, PushFailed: as `images.push`.
    """
    for tag in tags:
        operation = push(engine, tag)
        progress.on_stop(operation.stop)
        for event in operation:
            if isinstance(event, LayerProgress):
                layer = event.layer
                name = f"{tag} {layer.id}" if len(tags) > 1 else layer.id
                progress.emit(PushProgress(Transfer(name, layer.current, layer.total, layer.done)))
            elif isinstance(event, ImageTransferred):
                progress.emit(ImageBuilt("", event.digest, pushed=True, time=time.time()))
        operation.result()
