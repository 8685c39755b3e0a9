"""Which line of a traceback is the agent's own."""

from league.views import tracebacks

RUNNER = '  File "/usr/lib/runner.py", line 2, in act'
OUTER = '  File "/kaggle_simulations/agent/main.py", line 9, in agent'
INNER = '  File "/kaggle_simulations/agent/lib/search.py", line 3, in best'
NUMPY = '  File "/usr/lib/numpy/core.py", line 7, in dot'


def marked(*texts):
    return [text for text, is_own in tracebacks.lines("\n".join(texts)) if is_own]


def test_the_innermost_frame_of_the_agent_is_marked_with_its_source():
    source, carets = "    return weights[move]", "           ~~~~~~~^^^^^^"
    found = marked("Traceback:", RUNNER, OUTER, "    best()", INNER, source, carets, NUMPY, "    x")
    assert found == [INNER, source, carets]


def test_without_an_own_frame_nothing_is_marked():
    assert marked("Traceback:", RUNNER, "    act()", "MemoryError") == []


def test_an_empty_traceback_is_no_lines():
    assert tracebacks.lines("") == []
