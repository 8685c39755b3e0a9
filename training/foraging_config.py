"""The configuration of the foraging task."""

from dataclasses import dataclass, field

from evaluation.envs.foraging.world import World
from training import policy
from training.population import Evolution
from training.ppo import Learning
from training.trackers import Tracking


@dataclass(frozen=True)
class Network:
    width: int = field(default=64, metadata={"minimum": 1, "maximum": 4096})


@dataclass(frozen=True)
class Arena:
    """Fresh episodes, each in a world of its own, by which a population is judged."""

    episodes: int = field(default=16, metadata={"minimum": 2, "maximum": 4096})


@dataclass(frozen=True)
class Config:
    """num_envs: worlds; num_steps: of each an update. shards: equal parts of the worlds.

    diversity_bonus, niche_pressure: reward per step, in units of energy, for distance from the
    others and against a close neighbour. mode: learn by gradient, only evolve, or in turn.
    """

    world: World = field(default_factory=World)
    num_envs: int = field(default=32, metadata={"minimum": 1, "maximum": 1 << 16})
    num_steps: int = field(default=128, metadata={"minimum": 1, "maximum": 10_000})
    shards: int = field(default=2, metadata={"minimum": 1, "maximum": 1024})
    mode: str = field(
        default="gradient", metadata={"choices": ("gradient", "evolve", "alternating")}
    )
    diversity_bonus: float = field(default=0.1, metadata={"minimum": 0.0, "maximum": 1000.0})
    niche_pressure: float = field(default=0.05, metadata={"minimum": 0.0, "maximum": 1000.0})
    network: Network = field(default_factory=Network)
    evolution: Evolution = field(default_factory=Evolution)
    learning: Learning = field(default_factory=Learning)
    tracking: Tracking = field(default_factory=Tracking)
    arena: Arena = field(default_factory=Arena)

    def __post_init__(self) -> None:
        if self.world.food_energy <= 0:
            raise ValueError("world.food_energy must be above 0, for rewards are told in it")
        if self.num_envs % self.shards:
            raise ValueError("shards must divide num_envs, which are played in such parts")
        slots = self.num_envs * self.world.max_agents // self.shards
        if slots % self.learning.minibatches:
            raise ValueError("learning.minibatches must divide the slots of each of the shards")

    @property
    def genome_size(self) -> int:
        return policy.genome_size(self.network.width)

    @property
    def steps_per_update(self) -> int:
        """Of slots, dead ones included, as the training guide counts."""
        return self.num_envs * self.num_steps * self.world.max_agents
