"""Tic-tac-toe: three in a row on nine cells."""
