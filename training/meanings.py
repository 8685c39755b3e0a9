"""What each key of a configuration says, in a sentence: for forms, where no guide is at hand."""

from evaluation.envs.foraging.foraging import specification
from evaluation.envs.foraging.world import SETTINGS

RUN = {
    "task": "What is learnt: a board game by self-play, or the life of a foraging population.",
    "total_steps": "Steps of the environment after which the run is complete.",
    "seed": "Equal seeds give equal runs, to the bit, on one kind of machine.",
    "log_interval": "Steps between two lines of metrics.",
    "save_interval": "Steps between two checkpoints.",
    "evaluate_interval": "Steps between two visits to the arena; 0 for none.",
    "keep": "Regular checkpoints that stay in the folder of the run; older ones go.",
    "device": "With a name, the run stops where there is no such device.",
    "sweep": "Trials that come first; the run goes on with what did best in the arena.",
}
SELFPLAY = {
    "environment": "The game, by the name of its environment.",
    "configuration": "What differs from the game's defaults, in whole numbers: rows, columns, …",
    "games": "Games that are played at once.",
    "shards": "Equal parts of the games, each played on a device or core of its own.",
    "moves_per_update": "Moves of each game before the network learns.",
    "buffer": "Moves of each game that are kept to learn from.",
    "network.kind": "mlp is best on processors, resnet on a GPU.",
    "network.width": "Units of a dense layer, or channels of a block.",
    "network.depth": "Dense layers, or blocks.",
    "search.simulations": "Positions that are looked at for a move.",
    "search.considered": "Moves that share the simulations at the root.",
    "search.value_weight": "How much values say against the network's first opinion of a move.",
    "opening.moves": "So long a game may stray at random, so that games differ.",
    "opening.chance": "Share of those first moves that is drawn at random.",
    "learning.batch": "Positions of a batch.",
    "learning.batches": "Batches that are learnt from after every stretch of play.",
    "learning.learning_rate": "How far the weights go with each batch, at first.",
    "learning.decay": "Moves over which that falls to a twentieth, usually all; 0 leaves it.",
    "learning.weight_decay": "How strongly weights are drawn towards 0 (AdamW).",
    "learning.value_weight": "Weight of the value's loss beside that of the policy.",
    "learning.lam": "Of the returns: 1 trusts the game's result, 0 the next position's value.",
    "arena.games": "Games against each opponent, in pairs with the seats swapped.",
    "arena.past": "Earlier selves that are kept as opponents.",
    "arena.simulations": "Positions that are looked at for a move in the arena.",
    "arena.depth": "Plies that negamax, the yardstick, looks ahead.",
}
FORAGING = {
    "num_envs": "Worlds that live at once.",
    "num_steps": "Steps of each world before the agents learn.",
    "shards": "Equal parts of the worlds: islands between which nobody moves.",
    "mode": "Learn by gradient and breed, only breed (evolve), or take turns.",
    "diversity_bonus": "Reward per step for distance from the others, in units of energy.",
    "niche_pressure": "Reward per step against a close neighbour, in units of energy.",
    "network.width": "Units of both hidden layers.",
    "evolution.mutation_std": "Standard deviation of the mutations of a child's genome.",
    "evolution.evolve_std": "The same while weights are not learnt.",
    "evolution.tournament": "Founders descend from the best of so many living agents.",
    "evolution.selection": "Without it mutations pile up and nothing chooses among them.",
    "evolution.gradient_steps": "Length of the learning phase where modes take turns.",
    "evolution.evolve_steps": "Length of the breeding phase where modes take turns.",
    "learning.learning_rate": "How far the shared weights go with each minibatch.",
    "learning.epochs": "How often what was lived through is learnt from.",
    "learning.minibatches": "Parts of an epoch, each of whole lives.",
    "learning.gamma": "What a reward one step later is worth.",
    "learning.lam": "Of the advantages: 1 trusts the rewards that came, 0 the next value.",
    "learning.clip": "How far an update may move the odds of an action (PPO).",
    "learning.value_weight": "Weight of the value's loss.",
    "learning.entropy_weight": "Weight of the reward for undecided policies.",
    "learning.max_grad_norm": "Longest step of the gradient; longer ones are cut.",
    "tracking.emergence_interval": "Steps between two looks at the field; 0 for none.",
    "tracking.specialization_interval": "Steps between two looks at the agents; 0 for none.",
    "tracking.window": "Measurements that an event is compared with.",
    "tracking.z": "Standard deviations off the window that make an event.",
    "tracking.events": "Measurements with events that are remembered until they are told.",
    "arena.episodes": "Fresh episodes of an evaluation, each in a world of its own.",
    "world.max_steps": "Steps of an episode.",
}
WORLD: dict[str, str] = {
    f"world.{name}": each["description"]
    for name, each in specification["configuration"].items()
    if name in SETTINGS
}
TASKS = {"selfplay": SELFPLAY, "foraging": FORAGING | WORLD}


def of_run(key: str) -> str:
    return RUN[key]


def of_task(task: str, key: str) -> str:
    """Of a key of the task's own settings, without the task's name. Empty for a foreign task."""
    return TASKS.get(task, {}).get(key, "")
