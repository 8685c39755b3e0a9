"""A traceback for reading: which of its lines is the agent's own, and not the runner's."""

import re

AGENT_FOLDER = "/kaggle_simulations/agent"
FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line \d+')


def lines(traceback: str) -> list[tuple[str, bool]]:
    """Each line, and whether it belongs to the innermost frame of the agent's own code."""
    texts = traceback.splitlines()
    frames = [i for i, text in enumerate(texts) if _is_own(text)]
    marked = {frames[-1]} | _source_lines(texts, frames[-1]) if frames else set()
    return [(text, i in marked) for i, text in enumerate(texts)]


def _is_own(text: str) -> bool:
    frame = FRAME.match(text)
    return frame is not None and frame["path"].startswith(AGENT_FOLDER)


def _source_lines(texts: list[str], frame: int) -> set[int]:
    """The quoted source under a frame: what is indented deeper than the frame itself."""
    indent = len(texts[frame]) - len(texts[frame].lstrip())
    quoted: set[int] = set()
    for i in range(frame + 1, len(texts)):
        if len(texts[i]) - len(texts[i].lstrip()) <= indent:
            break
        quoted.add(i)
    return quoted
