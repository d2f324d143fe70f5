"""A digest of the code that a function can reach: what it would take for the same inputs to give another result.

The bytecode of the function counts, and that of the project's functions and classes and the content of the values it refers
to, through any number of steps. Comments, formatting, docstrings and line numbers do not, nor does code of installed
libraries, which a step declares with ``depends`` where their version matters.

A walk visits every object once and describes what it is made of, apart from the objects it refers to: ``functions``,
``classes``, ``wrappers``, ``values``, ``states`` and ``bystanders`` know how. What none of them can tell apart by content is
unknown: a result that depends on it cannot be cached.
"""

from plugbay.code.fingerprint.description import Unknown
from plugbay.code.fingerprint.walk import CodeFingerprint, Walk, class_fingerprint, code_fingerprint

__all__ = ["CodeFingerprint", "Unknown", "Walk", "class_fingerprint", "code_fingerprint"]
