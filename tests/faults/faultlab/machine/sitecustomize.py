"""What is another machine's in a process: its clock, and how long it waits for signs of life. It is used in tests alone."""

import os
import sys
import time

_ahead = float(os.environ.get("MACHINE_AHEAD") or 0)
if _ahead:
    _time, _time_ns = time.time, time.time_ns
    time.time = lambda: _time() + _ahead
    time.time_ns = lambda: _time_ns() + int(_ahead * 1e9)

_silence = os.environ.get("MACHINE_SILENCE")
if _silence:

    class _Finder:
        """Sets the silence when the module that has it is imported."""

        def find_spec(self, name, path, target=None):
            if name != "plugbay.store.ownership":
                return None
            sys.meta_path.remove(self)
            import importlib.util

            spec = importlib.util.find_spec(name)
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                module.SILENCE = float(_silence)
                module.HEARTBEAT = min(module.HEARTBEAT, float(_silence) / 4)

            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, _Finder())
