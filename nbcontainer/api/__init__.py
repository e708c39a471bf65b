"""What can be done: the handles of an engine and of a cluster, with a class for each noun."""

from nbcontainer.errors import word_cures
from nbcontainer.verbs.wording import in_python

__all__: list[str] = []

word_cures(in_python)
