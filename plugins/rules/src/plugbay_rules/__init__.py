"""Rules for tables: what a column holds (:mod:`~plugbay_rules.columns`), what it must (:mod:`~plugbay_rules.rules`).

A table of any library is read through narwhals into the same plain values, so that every library gets the same report.
"""

__version__ = "0.1.0"
