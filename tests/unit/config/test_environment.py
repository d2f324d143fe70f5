"""Which variables set something."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay.config.environment import tables_of
from plugbay.config.schema import load_config
from plugbay.errors import ConfigError

SERVICES = st.lists(st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), max_size=3).map(lambda parts: ["plugbay", *parts])


def of_service(parts: list[str], port: int, protocol: str, port_name: str) -> dict[str, str]:
    """What Kubernetes puts into the environment of every pod for a service."""
    name, host = "_".join(parts).upper(), "10.96.0.7"
    address = f"{protocol.lower()}://{host}:{port}"
    link = f"{name}_PORT_{port}_{protocol}"
    return {
        f"{name}_SERVICE_HOST": host,
        f"{name}_SERVICE_PORT": str(port),
        f"{name}_SERVICE_PORT_{port_name.upper().replace('-', '_')}": str(port),
        f"{name}_PORT": address,
        link: address,
        f"{link}_PROTO": protocol.lower(),
        f"{link}_PORT": str(port),
        f"{link}_ADDR": host,
    }


@given(SERVICES, st.integers(1, 65535), st.sampled_from(["TCP", "UDP", "SCTP"]), st.sampled_from(["http", "http-2"]))
def test_a_service_of_a_cluster_sets_nothing_whatever_it_is_called(
    parts: list[str], port: int, protocol: str, port_name: str
) -> None:
    assert not list(tables_of(of_service(parts, port, protocol, port_name)))


def test_a_setting_that_is_called_port_is_one() -> None:
    ((name, table),) = tables_of({"PLUGBAY_STACKS__PROD__ORCHESTRATOR__PORT": "8080"})
    assert name == "PLUGBAY_STACKS__PROD__ORCHESTRATOR__PORT"
    assert str(table["stacks"]["prod"]["orchestrator"]["port"]) == "8080"


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("PLUGBAY_STAKC", "stack"),
        ("PLUGBAY_STACK_", "stack"),
        ("PLUGBAY_OBSERVER", "observers"),
        ("PLUGBAY_ALLOW_PICKEL", "allow_pickle"),
    ],
)
def test_a_misspelt_one_is_told(project: Path, monkeypatch: pytest.MonkeyPatch, variable: str, near: str) -> None:
    monkeypatch.setenv("PLUGBAY_PORT", "tcp://10.96.0.7:80")
    monkeypatch.setenv(variable, "x")
    with pytest.raises(ConfigError, match=rf"^environment variable {variable}: .* did you mean '{near}'\?[^\n]*$"):
        load_config()
