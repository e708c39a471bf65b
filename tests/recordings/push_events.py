"""The events of a real push (Docker Engine 28.5, thinned out) to a registry that had one of three layers."""

from nbcontainer.model.images import ImageTransferred, LayerProgress, LayerState, TransferNote, TransferStarted

EVENTS = (
    TransferStarted("push", "127.0.0.1:5001/team/go", "127.0.0.1:5001", "Docker Engine 28.5.2", time=100.0),
    TransferNote("The push refers to repository [127.0.0.1:5001/team/go]"),
    LayerProgress(LayerState("5f70bf18a086", "Preparing")),
    LayerProgress(LayerState("3d321517a9ad", "Preparing")),
    LayerProgress(LayerState("8277a4e2e1dc", "Preparing")),
    LayerProgress(LayerState("5f70bf18a086", "Layer already exists", done=True, skipped=True)),
    LayerProgress(LayerState("3d321517a9ad", "Pushing", 537088, 182204113)),
    LayerProgress(LayerState("3d321517a9ad", "Pushing", 91102056, 182204113)),
    LayerProgress(LayerState("8277a4e2e1dc", "Pushed", 129949414, 129949414, done=True)),
    LayerProgress(LayerState("3d321517a9ad", "Pushed", 182204113, 182204113, done=True)),
    LayerProgress(LayerState("3d321517a9ad", "Pushed", 182204113, 182204113, done=True)),
    ImageTransferred("sha256:9f2c41a0b3d15566", 312153527, time=104.5),
)
