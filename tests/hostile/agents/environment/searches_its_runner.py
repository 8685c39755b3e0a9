# Tries: to find secrets among the objects of whoever calls it. Must come out: plays, action 0.
import gc
import sys

FOREIGN = ("evaluation", "league", "django", "redis", "celery", "kombu", "orjson", "subprocess")


def frames():
    for frame in sys._current_frames().values():
        while frame:
            yield frame.f_locals
            yield frame.f_globals
            frame = frame.f_back


def agent(observation):
    texts = []
    for thing in (*gc.get_objects(), *frames()):
        if isinstance(thing, dict):
            texts += [value for value in list(thing.values()) if isinstance(value, str | bytes)]
        elif isinstance(thing, list | tuple):
            texts += [value for value in thing if isinstance(value, str | bytes)]
    marker = observation.marker
    print(
        [text for text in texts if (marker if isinstance(text, str) else marker.encode()) in text]
    )
    return len([name for name in sys.modules if name in FOREIGN])
