"""The artifact store in Amazon S3, or in any service that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from plugbay_hookspecs import Secret, component
from plugbay_hookspecs.types.stack import Problem
from plugbay_objectstore.bucket import Bucket
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config


@component
class S3ArtifactStore(Bucket):
    """Keep artifacts and records in Amazon S3 or what speaks its protocol."""

    bucket: str
    """The bucket, which exists."""
    region: str | None = None
    """Without it ``AWS_REGION``, else ``us-east-1``."""
    endpoint: str | None = None
    """The URL of a service that is not Amazon's; ``http://`` only where nobody listens."""
    access_key_id: Secret | None = None
    """Without it the environment (``AWS_ACCESS_KEY_ID``, a web identity) or the machine's role."""
    secret_access_key: Secret | None = None
    """The key that belongs to it."""
    session_token: Secret | None = None
    """For credentials that expire."""
    virtual_hosted_style: bool | None = None
    """Name the bucket in the host name; without it so at Amazon, and in the path at an ``endpoint``."""

    copies_onto_itself = False

    def _connect(self, client: ClientConfig, retry: RetryConfig) -> ObjectStore:
        from obstore.store import S3Store

        hosted = self.virtual_hosted_style if self.virtual_hosted_style is not None else self.endpoint is None
        config: S3Config = {"virtual_hosted_style_request": hosted}
        if self.region is not None:
            config["region"] = self.region
        if self.endpoint is not None:
            config["endpoint"] = self.endpoint
        if self.access_key_id is not None:
            config["access_key_id"] = self.access_key_id.reveal()
        if self.secret_access_key is not None:
            config["secret_access_key"] = self.secret_access_key.reveal()
        if self.session_token is not None:
            config["session_token"] = self.session_token.reveal()
        return S3Store(
            self.bucket, prefix=self.prefix or None, config=config, client_options=client, retry_config=retry
        )

    def _place(self) -> Place:
        return Place(kind="bucket", name=self.bucket, endpoint=self.endpoint or "Amazon S3")

    def _address(self) -> str:
        return f"s3://{self.bucket}"

    def _endpoint(self) -> str | None:
        return self.endpoint

    def _problems(self) -> Iterator[Problem]:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            given, lacking = ("access_key_id", "secret_access_key")[:: 1 if self.access_key_id is not None else -1]
            yield Problem(message=f"{given} is set without {lacking}", remedy="set both, or none of them")
