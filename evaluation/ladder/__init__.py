"""Ratings, their intervals, and who plays whom next: pure functions over plain data.

`fit` rates a whole episode log at once, `elo` steps between two fits, `pairing` chooses matches.
"""
