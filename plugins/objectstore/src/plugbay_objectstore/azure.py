"""The artifact store in Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from plugbay_hookspecs import Secret, component
from plugbay_hookspecs.types.stack import Problem
from plugbay_objectstore.bucket import Bucket
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, ObjectStore, RetryConfig


@component
class AzureArtifactStore(Bucket):
    """Keep artifacts and records in Azure Blob Storage."""

    account: str
    """The storage account."""
    container: str
    """The container, which exists."""
    account_key: Secret | None = None
    """Without it or another credential the environment (``AZURE_STORAGE_...``) or the machine's managed identity."""
    sas_token: Secret | None = None
    """A shared access signature."""
    tenant_id: str | None = None
    """Of a service principal, with the two below."""
    client_id: str | None = None
    """The service principal."""
    client_secret: Secret | None = None
    """Its secret."""
    endpoint: str | None = None
    """The URL of the account where it is not ``https://ACCOUNT.blob.core.windows.net``, such as an emulator's."""

    def _connect(self, client: ClientConfig, retry: RetryConfig) -> ObjectStore:
        from obstore.store import AzureStore

        config: AzureConfig = {"account_name": self.account}
        if self.endpoint is not None:
            config["endpoint"] = self.endpoint
        if self.account_key is not None:
            config["account_key"] = self.account_key.reveal()
        if self.sas_token is not None:
            config["sas_key"] = self.sas_token.reveal()
        if self.tenant_id is not None:
            config["tenant_id"] = self.tenant_id
        if self.client_id is not None:
            config["client_id"] = self.client_id
        if self.client_secret is not None:
            config["client_secret"] = self.client_secret.reveal()
        return AzureStore(
            self.container, prefix=self.prefix or None, config=config, client_options=client, retry_config=retry
        )

    def _place(self) -> Place:
        return Place(kind="container", name=self.container, endpoint=self._account_url())

    def _address(self) -> str:
        return f"{self._account_url()}/{self.container}"

    def _account_url(self) -> str:
        return (self.endpoint or f"https://{self.account}.blob.core.windows.net").rstrip("/")

    def _endpoint(self) -> str | None:
        return self.endpoint

    def _problems(self) -> Iterator[Problem]:
        given = [name for name in ("account_key", "sas_token", "client_secret") if getattr(self, name) is not None]
        if len(given) > 1:
            yield Problem(message=f"{' and '.join(given)} are set", remedy="keep one of them")
        if self.client_secret is not None and (self.tenant_id is None or self.client_id is None):
            yield Problem(message="client_secret is set without tenant_id and client_id", remedy="set all three")
