"""Imported by an interpreter that starts, if it is on its path."""

import os

os.write(1, b"customised")
