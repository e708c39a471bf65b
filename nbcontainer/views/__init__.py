"""How each noun is drawn: plain lines, a terminal picture, a page. Its modules load on first use."""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.views import ansi as ansi
    from nbcontainer.views import blocks as blocks
    from nbcontainer.views import build as build
    from nbcontainer.views import build_lines as build_lines
    from nbcontainer.views import cells as cells
    from nbcontainer.views import changes as changes
    from nbcontainer.views import charts as charts
    from nbcontainer.views import code as code
    from nbcontainer.views import containers as containers
    from nbcontainer.views import draining as draining
    from nbcontainer.views import flat as flat
    from nbcontainer.views import html as html
    from nbcontainer.views import images as images
    from nbcontainer.views import kit as kit
    from nbcontainer.views import layout as layout
    from nbcontainer.views import lease as lease
    from nbcontainer.views import live as live
    from nbcontainer.views import log_lines as log_lines
    from nbcontainer.views import log_search as log_search
    from nbcontainer.views import logs as logs
    from nbcontainer.views import manifests as manifests
    from nbcontainer.views import notebook as notebook
    from nbcontainer.views import page as page
    from nbcontainer.views import pods as pods
    from nbcontainer.views import quantities as quantities
    from nbcontainer.views import registry as registry
    from nbcontainer.views import results as results
    from nbcontainer.views import rollout as rollout
    from nbcontainer.views import scales as scales
    from nbcontainer.views import settings as settings
    from nbcontainer.views import several_tables as several_tables
    from nbcontainer.views import shell as shell
    from nbcontainer.views import streaming as streaming
    from nbcontainer.views import surfaces as surfaces
    from nbcontainer.views import system as system
    from nbcontainer.views import tables as tables
    from nbcontainer.views import tables_counts as tables_counts
    from nbcontainer.views import terminal as terminal
    from nbcontainer.views import text as text
    from nbcontainer.views import trees as trees
    from nbcontainer.views import usage as usage
    from nbcontainer.views import view as view
else:
    __getattr__ = modules_on_use(__name__)
