"""Plays board games: a tree search over a network, and what can be proven without one."""
