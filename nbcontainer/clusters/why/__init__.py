"""Why something does not run, is not ready, or does not go: a rule per file, each with its sentences and evidence.

A rule is a function of facts that have been read; it returns what it finds, or None. `pod_rules` lists those for pods,
in order of importance; `gather` reads the facts.
"""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.clusters.why import objects as objects
    from nbcontainer.clusters.why import survey as survey
else:
    __getattr__ = modules_on_use(__name__)
