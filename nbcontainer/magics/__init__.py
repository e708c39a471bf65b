"""The words of the magics: parse, call, show. Its modules load on first use."""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.magics import calls as calls
    from nbcontainer.magics import preloading as preloading
else:
    __getattr__ = modules_on_use(__name__)
