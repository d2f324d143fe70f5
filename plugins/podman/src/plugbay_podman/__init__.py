"""Steps in containers of podman.

:mod:`plugbay_podman.step_operator` is the flavor; :mod:`plugbay_podman.tool` runs the tool.
"""

__version__ = "0.1.0"
