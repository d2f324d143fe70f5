"""A PostgreSQL server from Debian's packages, in a directory of its own and as a user that is not root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.debian import need
from servers.ports import free_port
from servers.service import Service


@contextmanager
def running() -> Iterator[str]:
    """Run a server with an empty database while the context lasts; give the URL of the database, for SQLAlchemy."""
    need("postgresql")
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    # In /tmp itself, because the directories of tests are closed to other users.
    directory = Path(tempfile.mkdtemp(prefix="plugbay-postgresql-"))
    port = free_port()
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    try:
        if as_user:
            shutil.chown(directory, "postgres", "postgres")
        data, environment = directory / "data", {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
        initdb = [programs / "initdb", "--pgdata", data, "--auth=trust", "--username=plugbay", "--encoding=UTF8"]
        subprocess.run(
            [*as_user, *map(str, initdb)], check=True, capture_output=True, env={**os.environ, **environment}, cwd="/"
        )
        command = [*as_user, programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", directory]
        ask = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
        service = Service(
            command,
            log=directory / "server.log",
            ready=lambda: subprocess.run(ask, capture_output=True).returncode == 0,
            environment=environment,
            directory=Path("/"),
        )
        with service:
            yield f"postgresql+psycopg2://plugbay@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(directory, ignore_errors=True)
