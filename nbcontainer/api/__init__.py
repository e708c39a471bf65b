"""What can be done, by Python as by the magics: handles with their nouns. Its modules load on first use."""

from typing import TYPE_CHECKING

from nbcontainer.errors import word_texts
from nbcontainer.loading import modules_on_use
from nbcontainer.verbs.wording import in_python

if TYPE_CHECKING:
    from nbcontainer.api import cluster as cluster
    from nbcontainer.api import completion as completion
    from nbcontainer.api import engine as engine
    from nbcontainer.api import nouns as nouns
    from nbcontainer.api import plans as plans
    from nbcontainer.api import preloading as preloading
else:
    __getattr__ = modules_on_use(__name__)

word_texts(in_python)
