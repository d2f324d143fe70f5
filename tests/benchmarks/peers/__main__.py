"""Run the same pipelines on Plugbay and on its peers, side by side: ``tox run -e peers``.

Each peer has a virtual environment of its own, is used as its documentation does, on its local default and with telemetry
off. A round gives each peer a turn, in which every case is run by Plugbay and then by the peer, so that a busy machine slows
both. A peer that cannot be installed or run is reported with the reason, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from catalogue import CASES, PEERS, PLUGBAY, ROOT
from environments import CannotInstall, Environment, prepare
from tables import CLOSING, OPENING, can_fill, figures, fill, markdown, number, print_table
from turns import Sample, take_turn


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="peers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer (default: 5)")
    parser.add_argument(
        "--only", action="append", choices=[peer.name for peer in PEERS], help="this peer; may be given several times"
    )
    parser.add_argument("--json", type=Path, help="keep samples, figures, versions and the machine in this file")
    parser.add_argument("--markdown", type=Path, help="fill the part of this page that is about peers")
    parser.add_argument(
        "--environments",
        type=Path,
        default=ROOT / ".tox" / "peers-venvs",
        help="where the virtual environments are kept (default: .tox/peers-venvs)",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        help="where runs are kept while they are measured: on a disk, not in memory (default: beside the environments)",
    )
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error(f"--rounds {given.rounds} must be 1 or more")
    if given.markdown is not None and not can_fill(given.markdown):
        parser.error(
            f"{given.markdown} has no {OPENING} and {CLOSING} after it; add both lines where the table belongs"
        )
    return given


def install(wanted: list[str], folder: Path) -> tuple[dict[str, Environment], dict[str, str]]:
    """Make the environments; return them, and why those that are missing could not be made."""
    environments: dict[str, Environment] = {}
    failures: dict[str, str] = {}
    for peer in (PLUGBAY, *PEERS):
        if peer is not PLUGBAY and peer.name not in wanted:
            continue
        try:
            environments[peer.name] = prepare(peer, folder)
        except CannotInstall as error:
            failures[peer.name] = f"could not be installed: {error}"
            print(f"{peer.title}: {failures[peer.name]}", file=sys.stderr)
        else:
            made = environments[peer.name]
            print(f"{peer.title} {made.version(peer)}: {len(made.versions)} distributions", flush=True)
    return environments, failures


def measure(rounds: int, environments: dict[str, Environment], directory: Path) -> list[Sample]:
    """Give every peer its turns, and say on stderr how it gets on."""
    samples: list[Sample] = []
    plugbay = PLUGBAY, environments[PLUGBAY.name]
    for turn in range(1, rounds + 1):
        for peer in PEERS:
            if peer.name not in environments:
                continue
            for sample in take_turn(turn, [plugbay, (peer, environments[peer.name])], peer, directory):
                samples.append(sample)
                case = next(case for case in CASES if case.name == sample.case)
                figure = sample.figure(case)
                shown = sample.failure or sample.without or f"{number(figure)} {case.unit}"
                print(f"round {turn}, {peer.name}: {sample.peer} {sample.case}: {shown}", file=sys.stderr, flush=True)
    return samples


def main() -> int:
    """Install, measure, print, and return 1 when a peer could not be installed or run."""
    given = arguments()
    environments, failures = install(given.only or [peer.name for peer in PEERS], given.environments)
    if PLUGBAY.name not in environments:
        return 1
    samples = measure(given.rounds, environments, given.directory or given.environments)
    found = figures(samples, failures)
    print_table(found)
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }
    if given.json is not None:
        kept = {
            "machine": machine,
            "rounds": given.rounds,
            "versions": {name: environment.versions for name, environment in environments.items()},
            "failures": failures,
            "figures": [asdict(figure) for figure in found],
            "samples": [asdict(sample) for sample in samples],
        }
        given.json.write_text(json.dumps(kept, indent=2), encoding="utf-8")
    if given.markdown is not None:
        described = f"Python {machine['python']}, {machine['system']}, {machine['processor']}, {machine['cores']} cores"
        fill(given.markdown, markdown(found, environments, described, given.rounds))
    return int(bool(failures) or any(sample.failure for sample in samples))


def _processor() -> str:
    """Return the processor's name as far as the system tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


if __name__ == "__main__":
    sys.exit(main())
