"""The least that an IPython extension can be."""


def load_ipython_extension(_shell: object) -> None:
    """Do nothing."""
