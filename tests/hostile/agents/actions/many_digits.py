# Tries: a number of a hundred thousand digits. Must come out: invalid_action.
import sys


def agent(observation):
    getattr(sys, "set_int_max_str_digits", print)(0)
    return 10**50_000
