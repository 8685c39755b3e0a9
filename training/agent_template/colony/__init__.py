"""Plays the foraging contest: each member of the colony acts with its own weights."""
