"""Which component types there are, how many of each a stack takes, and where their hooks are specified."""

from enum import Enum

from attrs import frozen


class Multiplicity(Enum):
    """How many components of a type a stack takes."""

    EXACTLY_ONE = "exactly one"
    AT_MOST_ONE = "at most one"
    ANY_NUMBER = "any number"


class Several(Enum):
    """How the components of a type are used where a stack has several of them."""

    ASKED_IN_ORDER = "asked in stack order; the first that knows answers"
    ALL_ARE_TOLD = "all are told"
    BY_NAME = "addressed by name; the only one is the default"


@frozen
class ComponentType:
    """One of the kinds of tool that a stack is chosen from."""

    name: str
    multiplicity: Multiplicity
    several: Several | None = None
    """How several are used; ``None`` where a stack takes no more than one."""

    @property
    def entry_point_group(self) -> str:
        """The entry point group of its flavors."""
        return f"{OBSERVER_GROUP}.{self.name}"

    @property
    def specification(self) -> str:
        """The module that specifies its hooks."""
        return f"plugbay_hookspecs.{self.name}"


OBSERVER_GROUP = "plugbay"
"""The entry point group of observers."""
SERIALIZER_GROUP = "plugbay.serializer"
"""The entry point group of serializers; an entry point's name is the top-level module whose types it handles."""
COMMAND_GROUP = "plugbay.cli"
"""The entry point group of commands; an entry point's name is the command's."""

COMPONENT_TYPES = {
    kind.name: kind
    for kind in (
        ComponentType("orchestrator", Multiplicity.EXACTLY_ONE),
        ComponentType("artifact_store", Multiplicity.EXACTLY_ONE),
        ComponentType("container_registry", Multiplicity.AT_MOST_ONE),
        ComponentType("image_builder", Multiplicity.AT_MOST_ONE),
        ComponentType("feature_store", Multiplicity.AT_MOST_ONE),
        ComponentType("model_registry", Multiplicity.AT_MOST_ONE),
        ComponentType("secrets_manager", Multiplicity.ANY_NUMBER, Several.ASKED_IN_ORDER),
        ComponentType("experiment_tracker", Multiplicity.ANY_NUMBER, Several.ALL_ARE_TOLD),
        ComponentType("alerter", Multiplicity.ANY_NUMBER, Several.ALL_ARE_TOLD),
        ComponentType("step_operator", Multiplicity.ANY_NUMBER, Several.BY_NAME),
        ComponentType("model_deployer", Multiplicity.ANY_NUMBER, Several.BY_NAME),
        ComponentType("annotator", Multiplicity.ANY_NUMBER, Several.BY_NAME),
        ComponentType("data_validator", Multiplicity.ANY_NUMBER, Several.BY_NAME),
    )
}

SHARED_SPECIFICATIONS = (
    "plugbay_hookspecs.lifecycle",
    "plugbay_hookspecs.run",
    "plugbay_hookspecs.serializer",
    "plugbay_hookspecs.cli",
)
"""The modules whose hooks any plugin may implement."""
