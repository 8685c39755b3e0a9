"""Foraging: colonies of agents carry food to their nests in a world with a pheromone field."""
