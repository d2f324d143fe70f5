"""The decorator that makes a class a flavor."""

from typing import TypeVar, dataclass_transform

import attrs

Flavor = TypeVar("Flavor", bound=type)


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(attrs.field,))
def component(flavor: Flavor) -> Flavor:
    """Make ``flavor`` a settings class: ``attrs.define(eq=False, kw_only=True)`` and no more.

    The fields are the settings of the component: the stack's TOML table is structured into them. Instances compare by
    identity, because pluggy keeps plugins apart that way.

    :param flavor: the class; its docstring's first line is the flavor's description.
    :returns: the same class, with ``__init__`` and ``__repr__`` made from its annotations.
    """
    return attrs.define(eq=False, kw_only=True)(flavor)
