"""From what the engine shows of a colony to what its members do; children inherit genomes."""

from typing import Any

import numpy as np

from training.agent_template.colony.network import Network
from training.agent_template.shown import read
from training.agent_template.weights import Array

SEED = 0  # the same colony on the same map does the same
# Actions are drawn by a power of their probabilities: between chance, as trained, which young
# policies waste, and always the likeliest, which gets stuck where food is out of sight.
SHARPNESS = 2.0


class Colony:
    """about: "network" with the number of "inputs" that it was trained on."""

    def __init__(self, tensors: dict[str, Array], about: dict[str, Any]) -> None:
        self.network, self.pool = Network(tensors), len(tensors["genomes"])
        self.inputs = about["network"]["inputs"]
        self._begin()

    def _begin(self) -> None:
        self.founders, self.genomes = 0, dict[int, int]()
        self.generator = np.random.default_rng(SEED)

    def act(self, observation: Any) -> list[int]:
        """An action for each of the living members."""
        logits = self.logits(observation)
        chance = self.generator.gumbel(size=logits.shape)
        return (SHARPNESS * logits + chance).argmax(1).tolist()

    def logits(self, observation: Any) -> Array:
        """[M, A] of the living members, who get their genomes where they are new."""
        if not read(observation, "step", 0):
            self._begin()
        members = list(read(observation, "members", ()))
        ids, parents = read(observation, "ids", ()), read(observation, "parents", ())
        genomes = [self._genome(*pair) for pair in zip(ids, parents, strict=True)]
        seen = np.array(members, np.float32).reshape(len(genomes), -1 if members else self.inputs)
        if seen.shape[1] != self.inputs:
            raise ValueError(f"trained on {self.inputs} numbers a member, not {seen.shape[1]}")
        return self.network(seen, genomes)

    def _genome(self, member: int, parent: int) -> int:
        """Its parent's; founders, whose parent is unknown, take those of the pool in turn."""
        if member not in self.genomes:
            inherited = self.genomes.get(parent, self.founders % self.pool)
            self.founders += parent not in self.genomes
            self.genomes[member] = inherited
        return self.genomes[member]
