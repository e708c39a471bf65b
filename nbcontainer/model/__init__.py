"""Requests, events, states and results: frozen dataclasses, standard library only.

Its modules load on first use.
"""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.model import build as build
    from nbcontainer.model import build_steps as build_steps
    from nbcontainer.model import changes as changes
    from nbcontainer.model import commands as commands
    from nbcontainer.model import containers as containers
    from nbcontainer.model import copying as copying
    from nbcontainer.model import created as created
    from nbcontainer.model import created_access as created_access
    from nbcontainer.model import created_data as created_data
    from nbcontainer.model import created_fields as created_fields
    from nbcontainer.model import created_policies as created_policies
    from nbcontainer.model import created_services as created_services
    from nbcontainer.model import debugging as debugging
    from nbcontainer.model import deletion as deletion
    from nbcontainer.model import draining as draining
    from nbcontainer.model import events as events
    from nbcontainer.model import fixes as fixes
    from nbcontainer.model import forwarding as forwarding
    from nbcontainer.model import images as images
    from nbcontainer.model import json_forms as json_forms
    from nbcontainer.model import log_fields as log_fields
    from nbcontainer.model import log_file as log_file
    from nbcontainer.model import log_lines as log_lines
    from nbcontainer.model import log_reading as log_reading
    from nbcontainer.model import logs as logs
    from nbcontainer.model import manifests as manifests
    from nbcontainer.model import networks as networks
    from nbcontainer.model import object_trees as object_trees
    from nbcontainer.model import outcome as outcome
    from nbcontainer.model import overwritten as overwritten
    from nbcontainer.model import pods as pods
    from nbcontainer.model import references as references
    from nbcontainer.model import requests as requests
    from nbcontainer.model import results as results
    from nbcontainer.model import secrecy as secrecy
    from nbcontainer.model import several_tables as several_tables
    from nbcontainer.model import source_map as source_map
    from nbcontainer.model import system as system
    from nbcontainer.model import tables as tables
    from nbcontainer.model import usage as usage
    from nbcontainer.model import volumes as volumes
    from nbcontainer.model import waiting as waiting
else:
    __getattr__ = modules_on_use(__name__)
