"""Which component types there are, and how many of each a stack takes."""

from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity, Several


def test_there_are_thirteen_component_types() -> None:
    assert len(COMPONENT_TYPES) == 13


def test_a_stack_needs_an_orchestrator_and_an_artifact_store_and_nothing_else() -> None:
    assert _of(Multiplicity.EXACTLY_ONE) == {"orchestrator", "artifact_store"}
    assert _of(Multiplicity.AT_MOST_ONE) == {"container_registry", "image_builder", "feature_store", "model_registry"}


def test_it_is_said_how_several_are_used_wherever_there_may_be_several() -> None:
    for kind in COMPONENT_TYPES.values():
        assert (kind.several is not None) == (kind.multiplicity is Multiplicity.ANY_NUMBER)
    used = {several: {kind.name for kind in COMPONENT_TYPES.values() if kind.several is several} for several in Several}
    assert used == {
        Several.ASKED_IN_ORDER: {"secrets_manager"},
        Several.ALL_ARE_TOLD: {"experiment_tracker", "alerter"},
        Several.BY_NAME: {"step_operator", "model_deployer", "annotator", "data_validator"},
    }


def _of(multiplicity: Multiplicity) -> set[str]:
    return {kind.name for kind in COMPONENT_TYPES.values() if kind.multiplicity is multiplicity}
