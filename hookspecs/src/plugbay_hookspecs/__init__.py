"""The contract between Plugbay and its plugins.

A flavor is one class decorated with :func:`component`; its fields are its settings and its methods marked with
:data:`hookimpl` are its hook implementations. Each module beside this one specifies the hooks of one subject
(``lifecycle``, ``run``, ``orchestrator``, ...), and :mod:`plugbay_hookspecs.types` holds the values that cross them.
"""

from plugbay_hookspecs.flavor import component
from plugbay_hookspecs.markers import hookimpl
from plugbay_hookspecs.secret import Secret

__version__ = "0.1.0"

__all__ = ["Secret", "__version__", "component", "hookimpl"]
