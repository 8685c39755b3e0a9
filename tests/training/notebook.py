"""Runs the code cells of a notebook in turn in one namespace, as a kernel of Jupyter does."""

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in json.loads(Path(sys.argv[1]).read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], "<cell>", "exec"), names)


if __name__ == "__main__":
    main()
