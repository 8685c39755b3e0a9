"""`python -m evaluation`."""

import sys

from evaluation.cli import main

if __name__ == "__main__":  # the processes of a server import it under another name
    sys.exit(main())
