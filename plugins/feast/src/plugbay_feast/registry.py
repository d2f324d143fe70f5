"""The registry file of Feast, written so that other processes may read it at any time."""

import os
from typing import Any

from feast.infra.registry.file import FileRegistryStore
from feast.utils import _utc_now


class ReplacingRegistryStore(FileRegistryStore):  # type: ignore[misc] # Feast is untyped to mypy
    """Replaces the file as a whole; Feast's own truncates it first, and a reader finds no definitions."""

    def _write_registry(self, registry_proto: Any) -> None:
        registry_proto.version_id = os.urandom(16).hex()
        registry_proto.last_updated.FromDatetime(_utc_now())
        file = self._filepath
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f".{file.name}.{os.urandom(8).hex()}")
        try:
            with scratch.open("xb") as writing:
                writing.write(registry_proto.SerializeToString())
                writing.flush()
                os.fsync(writing.fileno())
            scratch.replace(file)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
