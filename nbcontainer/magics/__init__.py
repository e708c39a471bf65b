"""IPython's side: the magics, completion, help at the cursor, how results are drawn. Its modules load on first use."""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.magics import calls as calls
    from nbcontainer.magics import candidates as candidates
    from nbcontainer.magics import chosen as chosen
    from nbcontainer.magics import faults as faults
    from nbcontainer.magics import hover as hover
    from nbcontainer.magics import preloading as preloading
    from nbcontainer.magics import presenting as presenting
    from nbcontainer.magics import problems as problems
    from nbcontainer.magics import problems_channel as problems_channel
    from nbcontainer.magics import rows as rows
    from nbcontainer.magics import substitution as substitution
    from nbcontainer.magics import written as written
else:
    __getattr__ = modules_on_use(__name__)
