"""What a new distribution, its package, class and flavor are called; names that would not work are refused."""

from __future__ import annotations

import importlib.metadata
import keyword
import re
import sys

from attrs import frozen

from plugbay.errors import PlugbayError, did_you_mean, listed
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, OBSERVER_GROUP, Multiplicity

OBSERVER = "observer"
LONGEST = 30
"""Letters of a name: with more, the lines of the code would be too long."""
_OURS = frozenset({"plugbay", "plugbay_hookspecs", "plugbay_testing"})
_name = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*").fullmatch
_distribution = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_.][A-Za-z0-9]+)*").fullmatch


@frozen(kw_only=True)
class Names:
    """All names of a new distribution, each fit for where it stands."""

    component_type: str
    """Or ``observer``."""
    flavor: str
    """As a stack names it."""
    distribution: str
    package: str
    class_name: str

    @property
    def group(self) -> str:
        """The entry point group."""
        return group_of(self.component_type)

    def chosen(self) -> str:
        """The lines of a configuration that choose the flavor."""
        if self.component_type == OBSERVER:
            return f'observers = ["{self.flavor}"]'
        if COMPONENT_TYPES[self.component_type].multiplicity is Multiplicity.ANY_NUMBER:
            return f'[stacks.default.{self.component_type}.{self.flavor}]\nflavor = "{self.flavor}"'
        return f'[stacks.default.{self.component_type}]\nflavor = "{self.flavor}"'

    def placeholders(self) -> dict[str, str]:
        """What stands in the templates, by name."""
        return {
            "component_type": self.component_type,
            "words": self.component_type.replace("_", " "),
            "flavor": self.flavor,
            "distribution": self.distribution,
            "package": self.package,
            "class_name": self.class_name,
            "group": self.group,
            "chosen": self.chosen(),
        }


def group_of(component_type: str) -> str:
    """The entry point group of the flavors of a type, or of observers."""
    return OBSERVER_GROUP if component_type == OBSERVER else COMPONENT_TYPES[component_type].entry_point_group


def names_for(component_type: str, name: str, distribution: str | None) -> Names:
    """Make all names of two or three. Raises :class:`PlugbayError` with all that is wrong with them."""
    types = [*COMPONENT_TYPES, OBSERVER]
    kind = component_type.replace("-", "_")
    if kind not in types:
        near = did_you_mean(kind, types)
        msg = f"there is no component type {component_type!r}{near} (there are: {listed(types)})"
        raise PlugbayError(msg)
    _check_name(kind, name)
    chosen = f"plugbay-{name.replace('_', '-')}" if distribution is None else distribution
    package = re.sub(r"[-_.]+", "_", chosen).lower()
    _check_distribution(chosen, package)
    words = [*re.split(r"[-_]", name), *kind.split("_")]
    return Names(
        component_type=kind,
        flavor=name,
        distribution=chosen,
        package=package,
        class_name="".join(word.capitalize() for word in words),
    )


def _check_name(component_type: str, name: str) -> None:
    if len(name) > LONGEST:
        msg = f"the name {name[:LONGEST]!r}... has {len(name)} letters; give at most {LONGEST}"
        raise PlugbayError(msg)
    if not _name(name):
        nearest = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        near = f"; did you mean {nearest!r}?" if _name(nearest) else ""
        msg = f"{name!r} is no name of a flavor{near} (lower-case letters, digits and single hyphens, a letter first)"
        raise PlugbayError(msg)
    if keyword.iskeyword(name) or name == "plugbay":
        msg = f"{name!r} is a word of {'Plugbay' if name == 'plugbay' else 'Python'} itself; name the tool that the flavor is for"
        raise PlugbayError(msg)
    # Imported here because it reads the metadata of all that is installed.
    from plugbay.host.discovery import installed_plugins

    index = installed_plugins()
    if name in index.names(group_of(component_type)):
        msg = (
            f"there is a flavor {name!r} of that type already: {index.find(group_of(component_type), name)}; "
            f"give another name"
        )
        raise PlugbayError(msg)


def _check_distribution(distribution: str, package: str) -> None:
    advice = "give another --distribution"
    if not _distribution(distribution) or len(package) > LONGEST + len("plugbay-"):
        msg = (
            f"{distribution[:80]!r} is no name of a distribution: letters, digits and single -, _ or ., a letter first, "
            f"at most {LONGEST + len('plugbay-')}"
        )
        raise PlugbayError(msg)
    if keyword.iskeyword(package) or not package.isidentifier():
        msg = f"{distribution!r} makes the package {package!r}, which is a word of Python itself; {advice}"
        raise PlugbayError(msg)
    if package in sys.stdlib_module_names:
        msg = (
            f"{distribution!r} makes the package {package!r}, which is a module of Python's standard library; {advice}"
        )
        raise PlugbayError(msg)
    if package in _OURS:
        msg = f"{distribution!r} makes the package {package!r}, which is Plugbay's own; {advice}"
        raise PlugbayError(msg)
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return
    msg = f"there is a distribution {distribution!r} already: {version} is installed; {advice}"
    raise PlugbayError(msg)
