"""Serializers for the values of NumPy, pandas, polars and PyArrow.

A module for each library (:mod:`~plugbay_data.arrays`, :mod:`~plugbay_data.frames_pandas`,
:mod:`~plugbay_data.frames_polars`, :mod:`~plugbay_data.tables`) gives its serializers. A library is imported when a
value of it is saved or loaded, and never before. What a format cannot give back as it was is refused, not changed.
"""

__version__ = "0.1.0"
