"""Hooks of a secrets manager: where credentials are kept. A stack has any number; they are asked in stack order.

A *secret* has a name without a dot and holds texts by keys: ``s3`` with ``access_key_id`` and ``secret_access_key``.
Names and keys are not empty; a key may have dots. What configuration and user code ask for is one of the texts: the part
before the first dot names the secret, the rest is the key, and without a dot the key is ``value``.
``s3.secret_access_key`` is the key ``secret_access_key`` of the secret ``s3``, ``registry.tls.crt`` the key ``tls.crt`` of
``registry``, and ``chat-token`` the key ``value`` of ``chat-token``, the same as ``chat-token.value``.

:func:`secrets_manager_get` takes such a name, all other hooks take the name of the secret. A manager whose tool keeps a
single text under a name (an environment variable, an entry of a keyring) has it as the key ``value``, or keeps each key
under a name of its own. No text is ever part of an exception's message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plugbay_hookspecs.markers import hookspec, required


@hookspec(firstresult=True)
@required
def secrets_manager_get(name: str) -> str | None:
    """Look a secret up.

    Called in any process that has the stack, when a setting that refers to the secret is used or user code asks with
    ``current().secret(name)``. Raises when the manager could not be asked.

    :param name: ``secret.key``, or ``secret`` for its key ``value``.
    :returns: the text, of the newest version; ``None`` when the manager has no such secret, or none with that key, and
        the next one is asked.

    .. code-block:: python

        import os

        from plugbay_hookspecs import component, hookimpl


        @component
        class Environment:
            '''Finds secrets in environment variables: s3.access-key in SECRET_S3_ACCESS_KEY, token in SECRET_TOKEN.'''

            prefix: str = "SECRET_"

            @hookimpl
            def secrets_manager_get(self, name: str) -> str | None:
                variable = name.removesuffix(".value").upper().replace("-", "_").replace(".", "_")
                return os.environ.get(self.prefix + variable)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def secrets_manager_list() -> Sequence[str]:
    """List the names of the secrets, without their keys and texts.

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

    Called in any process that has the stack. Raises ``FileExistsError`` when there is one of that name, ``ValueError``
    when the tool cannot keep such a name or such keys.

    :param name: of the secret, without a dot.
    :param values: its texts by key, at least one; a secret that is a single text has the key ``value``.
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

    Called in any process that has the stack. Raises ``KeyError`` when there is none of that name, ``ValueError`` when the
    tool cannot keep such keys.

    :param name: of the secret, without a dot.
    :param values: all its texts by key, at least one: a key that is not among them is gone from this version on.
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

            @hookimpl
            def secrets_manager_get(self, name: str) -> str | None:
                secret, _, key = name.partition(".")
                versions = self._versions.get(secret)
                return versions[-1].get(key or "value") if versions else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def secrets_manager_delete(name: str) -> bool:
    """Delete a secret with all its versions.

    Called in any process that has the stack. Idempotent.

    :param name: of the secret, without a dot.
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

    :param name: of the secret, without a dot.

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
