"""A feature store on Feast.

:mod:`plugbay_feast.feature_store` is the flavor. :mod:`plugbay_feast.configuration` makes Feast's configuration of its
settings, with two parts of Feast replaced by ones that processes can share: :mod:`plugbay_feast.registry` and
:mod:`plugbay_feast.sqlite`. :mod:`plugbay_feast.requests` finds what a feature's name means, :mod:`plugbay_feast.history`
looks up what was known at a moment and :mod:`plugbay_feast.online` what is known now, :mod:`plugbay_feast.pushing` adds
rows, :mod:`plugbay_feast.definitions` reads files of definitions and tells what is defined, :mod:`plugbay_feast.tables`
reads dataframes of any library.
"""

__version__ = "0.1.0"
