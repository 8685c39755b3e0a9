"""Runs the code cells of a notebook in order, in one namespace; standard library only."""

import json
import sys
import types
from pathlib import Path


def main(notebook: Path, exit_is_error: bool) -> int:
    module = types.ModuleType("__main__")  # a notebook has no __file__
    sys.modules["__main__"] = module
    sys.argv = ["ipykernel_launcher.py"]
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        try:
            source = "".join(cell["source"])
            exec(compile(source, f"<cell {number}>", "exec"), module.__dict__)
        except SystemExit as leaving:
            if exit_is_error or leaving.code not in (None, 0):
                raise SystemExit(leaving.code or 1) from leaving
            return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), "--exit-is-error" in sys.argv[2:]))
