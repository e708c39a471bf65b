"""The version, for the package's metadata and for whoever asks."""

__version__ = "0.1.0"
