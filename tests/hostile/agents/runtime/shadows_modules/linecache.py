"""In place of the library's."""

import os

os.write(1, b"shadowed")
