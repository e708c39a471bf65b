"""The smallest possible IPython extension."""


def load_ipython_extension(_shell: object) -> None:
    """Do nothing."""
