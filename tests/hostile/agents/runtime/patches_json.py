# Tries: to break what writes its answers. Must come out: exception.
import _json
import json

for module in (json, _json):
    for name in dir(module):
        if callable(getattr(module, name)) and not name.startswith("__"):
            setattr(module, name, None)


def agent(observation):
    return 0
