"""`python -m kingpost`: the command, for whoever has the package and not its script."""

import sys

from kingpost.cli import main

if __name__ == "__main__":
    sys.exit(main())
