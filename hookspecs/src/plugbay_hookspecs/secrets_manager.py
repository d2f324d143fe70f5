"""Hooks of a secrets manager: where credentials are kept. A stack has any number; they are asked in stack order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plugbay_hookspecs.markers import hookspec, required


@hookspec(firstresult=True)
@required
def secrets_manager_get(name: str) -> str | None:
    """Look a secret up.

    Called in any process that has the stack, when a setting that refers to the secret is used or user code asks with
    ``current().secret(name)``. Raises when the manager could not be asked.

    :returns: the value; ``None`` when the manager has no such secret, and the next one is asked.

    .. code-block:: python

        import os

        from plugbay_hookspecs import component, hookimpl


        @component
        class Environment:
            '''Finds secrets in environment variables: db-password in SECRET_DB_PASSWORD.'''

            prefix: str = "SECRET_"

            @hookimpl
            def secrets_manager_get(self, name: str) -> str | None:
                return os.environ.get(self.prefix + name.upper().replace("-", "_"))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def secrets_manager_list() -> Sequence[str]:
    """List the names of the secrets, without their values.

    Called in any process that has the stack. ``None`` when the manager cannot list.

    .. code-block:: python

        from collections.abc import Sequence
        from netrc import netrc
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Netrc:
            '''Finds the passwords of machines in a netrc file.'''

            file: Path = Path("~/.netrc")

            @hookimpl
            def secrets_manager_list(self) -> Sequence[str]:
                file = self.file.expanduser()
                return sorted(netrc(file).hosts) if file.exists() else []

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def secrets_manager_create(name: str, values: Mapping[str, str]) -> str:
    """Keep a new secret.

    Called in any process that has the stack. Raises ``FileExistsError`` when there is one of that name.

    :returns: the version that was made; ``None`` when the manager is read-only.

    .. code-block:: python

        import json
        import sqlite3
        from collections.abc import Mapping
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class SqliteVault:
            '''Keeps secrets in an SQLite table.'''

            file: Path = Path("vault.db")

            @hookimpl
            def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
                with closing(sqlite3.connect(self.file)) as vault, vault:
                    vault.execute("CREATE TABLE IF NOT EXISTS secret (name, version, kept, UNIQUE (name, version))")
                    try:
                        vault.execute("INSERT INTO secret VALUES (?, 1, ?)", (name, json.dumps(dict(values))))
                    except sqlite3.IntegrityError as error:
                        msg = f"There is a secret named {name}"
                        raise FileExistsError(msg) from error
                return "1"

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def secrets_manager_update(name: str, values: Mapping[str, str]) -> str:
    """Give an existing secret a new version.

    Called in any process that has the stack. Raises ``KeyError`` when there is none of that name.

    :returns: the version that was made; ``None`` when the manager is read-only.

    .. code-block:: python

        from collections.abc import Mapping

        from attrs import field
        from plugbay_hookspecs import component, hookimpl


        @component
        class Memory:
            '''Keeps secrets for as long as the process lives; they are not part of its repr.'''

            _versions: dict[str, list[Mapping[str, str]]] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
                if name in self._versions:
                    raise FileExistsError(name)
                self._versions[name] = [dict(values)]
                return "1"

            @hookimpl
            def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
                versions = self._versions[name]
                versions.append(dict(values))
                return str(len(versions))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def secrets_manager_delete(name: str) -> bool:
    """Delete a secret with all its versions.

    Called in any process that has the stack. Idempotent.

    :returns: whether there was one; ``None`` when the manager is read-only.

    .. code-block:: python

        import shelve
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Shelf:
            '''Keeps secrets in a file that the standard library's shelve reads and writes.'''

            file: Path = Path("secrets.shelf")

            @hookimpl
            def secrets_manager_delete(self, name: str) -> bool:
                with shelve.open(str(self.file)) as secrets:
                    return secrets.pop(name, None) is not None

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def secrets_manager_versions(name: str) -> Sequence[str]:
    """List the versions of a secret, oldest first.

    Called in any process that has the stack. Raises ``KeyError`` when there is none of that name; ``None`` when the
    manager keeps no versions.

    .. code-block:: python

        import sqlite3
        from collections.abc import Sequence
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class SqliteVault:
            '''Keeps the versions of each secret as rows of an SQLite table.'''

            file: Path = Path("vault.db")

            @hookimpl
            def secrets_manager_versions(self, name: str) -> Sequence[str]:
                with closing(sqlite3.connect(self.file)) as vault:
                    rows = vault.execute("SELECT version FROM secret WHERE name = ? ORDER BY 1", (name,)).fetchall()
                if not rows:
                    raise KeyError(name)
                return [str(version) for (version,) in rows]

    .. versionadded:: 0.1
    """
    raise NotImplementedError
