"""Container images by buildah, on this machine and without a daemon.

:mod:`plugbay_buildah.builder` is the flavor, :mod:`plugbay_buildah.tool` runs the tool and shows no secret, and
:mod:`plugbay_buildah.scratch` holds the files that a build needs beside its context.
"""

__version__ = "0.1.0"
