"""Artifact stores in S3, Google Cloud Storage and Azure Blob Storage, on one implementation.

:mod:`.bucket` has the hooks and :mod:`.s3`, :mod:`.gcs` and :mod:`.azure` the settings of the three flavors;
:mod:`.writing`, :mod:`.touching`, :mod:`.reading`, :mod:`.ranges`, :mod:`.listing` and :mod:`.removing` work on any obstore store.
"""

__version__ = "0.1.0"
