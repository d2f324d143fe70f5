"""A Redis server of Debian, on a free port, with a password and nothing kept on disk."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from servers.debian import need
from servers.ports import free_port
from servers.service import Service


@frozen
class Redis:
    """Where the server is."""

    port: int
    password: str


@contextmanager
def redis(folder: Path) -> Iterator[Redis]:
    """Run a server whose log is in a folder."""
    need("redis-server")
    port, password = free_port(), secrets.token_hex(16)
    configuration = folder / "redis.conf"
    configuration.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndaemonize no\ndir {folder}\n'
    )

    def ready() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"-NOAUTH")
        except OSError:
            return False

    with Service(["redis-server", configuration], log=folder / "redis.log", ready=ready):
        yield Redis(port, password)
