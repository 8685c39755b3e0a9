# Tries: to change the runner's variables while it runs. Must come out: exited or exception.
import sys
import threading


def trace(frame, event, argument):
    for name in ("seq", "parameters", "body"):
        if name in frame.f_locals:
            frame.f_locals[name] = 99
    return trace


def agent(observation):
    sys.settrace(trace)
    sys.setprofile(trace)
    threading.settrace(trace)
    frame = sys._getframe().f_back
    while frame:
        frame.f_trace = trace
        frame = frame.f_back
    return 0
