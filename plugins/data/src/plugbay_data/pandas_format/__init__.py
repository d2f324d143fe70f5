"""How a pandas value lies in an Arrow IPC file.

A column of the frame is a column of the file, and so is each level of its index. What Arrow has no word for stands
beside them in the schema's metadata, as JSON under ``plugbay``: what each column was in pandas, the labels, ``attrs``,
``flags``. Nothing goes by way of PyArrow's own conversion, which changes values that it does not know how to keep.

The modules import pandas and PyArrow as they are imported, and are imported when a pandas value is saved or loaded:
``plain_values`` and ``time_zones`` (values in JSON), ``memory`` (the mapped file), ``columns`` (an array or index and
its Arrow column), ``axes`` (an index of several levels, the columns' labels), ``frames``.
"""
