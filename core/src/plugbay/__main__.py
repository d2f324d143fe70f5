"""``python -m plugbay``: the command line."""

import sys

from plugbay.cli import main

if __name__ == "__main__":
    sys.exit(main())
