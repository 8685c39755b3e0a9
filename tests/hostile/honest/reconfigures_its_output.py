# Needs: to choose how its output is written. Must come out: plays, action 1.
import sys


def agent(observation):
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    sys.stderr.reconfigure(errors="replace")
    print("at once", flush=True)
    return int(not sys.stdout.isatty() and not sys.stdout.seekable())
