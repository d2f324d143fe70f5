"""Which part of the walk knows what an object is made of."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint import functions
from plugbay.code.fingerprint.description import Description

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk


def looked_through(value: Any) -> Any:
    """Look through this project's own wrappers, so that a decorator's arguments are not part of the function."""
    for base in type(value).__mro__:
        if "__plugbay_function__" in base.__dict__:
            return value.__plugbay_function__
    return value


def describe(walk: Walk, value: Any) -> Description:
    """Say what an object is made of; :attr:`Description.unknown` is set where nothing can."""
    found = Description()
    if type(value) is types.FunctionType and not functions.is_single_dispatch(value):
        if functions.is_of_project(walk, value):
            functions.describe_function(walk, value, found)
        else:
            functions.describe_library_function(walk, value, found)
    elif isinstance(value, types.ModuleType):
        functions.describe_module(walk, value, found)
    elif type(value) is functions.Source:
        functions.describe_source(walk, value.name, found)
    elif isinstance(value, type):
        from plugbay.code.fingerprint.classes import describe_class  # simple steps reach functions alone

        describe_class(walk, value, found)
    else:
        from plugbay.code.fingerprint.objects import describe_object  # as above

        describe_object(walk, value, found)
    return found
