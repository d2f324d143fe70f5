"""What the serializers cost: no import to describe them, no second copy in memory to save with them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

DESCRIBE = """
import json, sys
from importlib.metadata import entry_points
import plugbay_data
loaded = [e.load()() for e in entry_points(group="plugbay.serializer") if e.value.startswith("plugbay_data.")]
found = [s for plugin in loaded if hasattr(plugin, "serializers") for s in plugin.serializers()]
vendors = {"numpy", "pandas", "polars", "pyarrow", "sklearn", "torch"}
print(json.dumps({
    "names": sorted(s.name for s in found),
    "imported": sorted(vendors & {name.partition(".")[0] for name in sys.modules}),
}))
"""

GROWTH = """
import sys
from plugbay_data import arrays, frames_pandas, frames_polars, tables

class Nowhere:
    def write(self, data):
        return len(data)

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024

import numpy as np
content = np.ones(16 << 20)
{prepare}
{save}(value[:9], Nowhere())
before = peak()
{save}(value, Nowhere())
print(peak() - before)
"""


def test_describing_the_serializers_imports_no_library() -> None:
    done = subprocess.run([sys.executable, "-c", DESCRIBE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "names": [
            "numpy.generic",
            "numpy.ndarray",
            "pandas.DataFrame",
            "pandas.Series",
            "polars.DataFrame",
            "polars.LazyFrame",
            "polars.Series",
            "pyarrow.Array",
            "pyarrow.ChunkedArray",
            "pyarrow.RecordBatch",
            "pyarrow.Table",
        ],
        "imported": [],
    }


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the memory from /proc")
@pytest.mark.parametrize(
    ("prepare", "save"),
    [
        ("value = content", "arrays.save_array"),
        ("value = content.reshape(2048, -1).T", "arrays.save_array"),
        ("value = content.reshape(2048, -1)[:, ::2]", "arrays.save_array"),
        ("value = content.view([('a', 'f4'), ('b', 'i4')])", "arrays.save_array"),
        ("import pandas; value = pandas.DataFrame({'a': content}, copy=False)", "frames_pandas.save_frame"),
        ("import pandas; value = pandas.DataFrame(content.reshape(-1, 8), copy=False)", "frames_pandas.save_frame"),
        ("import polars; value = polars.DataFrame({'a': content})", "frames_polars.save_frame"),
        ("import pyarrow; value = pyarrow.table({'a': content})", "tables.save_table"),
    ],
    ids=["array", "column-major", "view", "structured", "pandas", "pandas rows", "polars", "pyarrow"],
)
def test_saving_128_megabytes_takes_no_second_copy(prepare: str, save: str) -> None:
    code = GROWTH.replace("{prepare}", prepare).replace("{save}", save)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 64
