"""Secrets managers of one machine.

:mod:`plugbay_secrets.file` keeps secrets in an encrypted file, with :mod:`plugbay_secrets.keys` to read its keys and
:mod:`plugbay_secrets.rewriting` to replace it whole; :mod:`plugbay_secrets.keyring` keeps them in the keyring of the
user's desktop. :mod:`plugbay_secrets.names` says what both can keep.
"""

__version__ = "0.1.0"
