"""What a program needs of a service, where this work tree has it and where 0.2.0 had it."""

from importlib import import_module
from importlib.util import find_spec

_room = "shop.service" if find_spec("shop.service") else "shop"
open_resources = import_module(f"{_room}.resources").open_resources
UnitOfWork = import_module(f"{_room}.unit_of_work").UnitOfWork
