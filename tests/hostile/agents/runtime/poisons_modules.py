# Tries: to loop in a module that its runner asks for a traceback. Must come out: move_timeout.
import sys
import traceback
import types


def forever(*arguments, **named):
    while True:
        pass


poison = types.ModuleType("traceback")
for name in dir(traceback):
    if not name.startswith("__"):
        setattr(poison, name, forever)
        setattr(traceback, name, forever)
sys.modules["traceback"] = poison


def agent(observation):
    raise ValueError("poisoned")
