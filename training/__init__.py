"""Training: JAX runs that leave checkpoints."""

import sys
from pathlib import Path
from zipimport import zipimporter

# An archive carries packages that a place may lack. They come last on the path: where they are
# installed, flax and optax were installed with them, and want those.
_CARRIED = Path(__file__).parent.with_name("carried")
if isinstance(__spec__.loader, zipimporter) or _CARRIED.is_dir():
    sys.path.append(str(_CARRIED))
