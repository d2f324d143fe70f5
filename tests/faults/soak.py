"""Two users and two machines of their own on one store, for as long as wanted: ``python tests/faults/soak.py --minutes 10``.

Needs root, ``setpriv`` and ``unshare``. Each run is killed, paused, cancelled and resumed at random by any of them until it has
succeeded. What was injected and what came of it is printed at the end, and after each run; the exit code is 1 if anything
was lost, run twice or overwritten.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from faultlab.contest import Account, Contest
from faultlab.places import can_contest, machines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=1_000_000, help="end after so many runs, if that is earlier")
    parser.add_argument("--at-once", type=int, default=2, help="runs that are contested at the same time")
    parser.add_argument("--seed", type=int, default=20240229)
    parser.add_argument("--silence", type=float, default=4.0, help="seconds after which a silent driver counts as gone")
    given = parser.parse_args()
    if not can_contest():
        print("needs root, setpriv, unshare and a Python that others may run")
        return 2
    place = Path(tempfile.mkdtemp(prefix="plugbay-soak-")).resolve()
    place.chmod(0o755)
    places, account, limit = (
        machines(place, silence=given.silence, ahead=120.0),
        Account(),
        time.monotonic() + given.minutes * 60,
    )

    def contest(number: int) -> None:
        if time.monotonic() < limit:
            own = Account()
            Contest(places, place / "effects", random.Random(f"{given.seed}:{number}"), own).play(rounds=6)
            account.faults += own.faults
            account.recovered += own.recovered
            account.lost += own.lost
            account.twice += own.twice
            account.overwritten += own.overwritten
            print(f"run {number}: {account.line()}", flush=True)

    wrong = 0
    with ThreadPoolExecutor(given.at_once) as threads:
        numbers = iter(range(given.runs))
        while time.monotonic() < limit and (batch := [n for _, n in zip(range(given.at_once), numbers, strict=False)]):
            for outcome in [threads.submit(contest, number) for number in batch]:
                error = outcome.exception()
                if error is not None:
                    wrong += 1
                    print(f"wrong: {error!r:.2000}", flush=True)
    print(f"{account.line()}; failed: {wrong} (seed {given.seed})")
    shutil.rmtree(place, ignore_errors=True)
    return int(bool(wrong or account.lost or account.twice or account.overwritten))


if __name__ == "__main__":
    sys.exit(main())
