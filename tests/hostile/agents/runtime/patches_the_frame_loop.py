# Tries: to replace the functions of its runner. Must come out: plays, action 7.
import sys


def forged(seq, action):
    return b'{"seq":%d,"action":7}' % seq


def agent(observation):
    runner = sys._getframe().f_back.f_globals
    runner["encode_action"] = forged
    runner["fault_of"] = runner["own_trace"] = runner["flush"] = lambda *arguments: None
    return 0
