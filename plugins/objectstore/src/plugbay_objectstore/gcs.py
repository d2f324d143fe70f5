"""The artifact store in Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from plugbay_hookspecs import Secret, component
from plugbay_hookspecs.types.stack import Problem
from plugbay_objectstore.bucket import Bucket
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore.store import ClientConfig, GCSConfig, ObjectStore, RetryConfig


@component
class GCSArtifactStore(Bucket):
    """Keep artifacts and records in Google Cloud Storage."""

    bucket: str
    """The bucket, which exists."""
    service_account_key: Secret | None = None
    """The JSON of a service account's key; without it the application default credentials of the environment or machine."""
    service_account_file: Path | None = None
    """A file with that JSON."""
    endpoint: str | None = None
    """The URL of a service that is not Google's, such as an emulator."""

    def _connect(self, client: ClientConfig, retry: RetryConfig) -> ObjectStore:
        from obstore.store import GCSStore

        config: GCSConfig = {}
        if self.endpoint is not None:
            config["base_url"] = self.endpoint
        if self.service_account_key is not None:
            config["service_account_key"] = self.service_account_key.reveal()
        if self.service_account_file is not None:
            config["service_account"] = str(self.service_account_file.expanduser())
        return GCSStore(
            self.bucket, prefix=self.prefix or None, config=config, client_options=client, retry_config=retry
        )

    def _place(self) -> Place:
        return Place(kind="bucket", name=self.bucket, endpoint=self.endpoint or "Google Cloud Storage")

    def _address(self) -> str:
        return f"gs://{self.bucket}"

    def _endpoint(self) -> str | None:
        return self.endpoint

    def _problems(self) -> Iterator[Problem]:
        if self.service_account_key is not None and self.service_account_file is not None:
            yield Problem(
                message="service_account_key and service_account_file are both set", remedy="keep one of them"
            )
