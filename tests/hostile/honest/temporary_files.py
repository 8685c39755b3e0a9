# Needs: files and folders in /tmp. Must come out: plays, action 3.
import os
import tempfile
from pathlib import Path


def agent(observation):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "moves.txt")
        path.write_text("old")
        with tempfile.NamedTemporaryFile("w+", delete=False) as other:
            other.write("abc")
        os.replace(other.name, path)
        with tempfile.TemporaryFile() as file:
            file.write(path.read_bytes())
            return file.tell()
