"""Objects as files below a root directory.

``keys`` says which keys there are, ``directories`` opens their directories without following a symbolic link, and one
module holds each operation: ``writing``, ``reading``, ``listing``, ``removing``. A root is an absolute path as text.
"""
