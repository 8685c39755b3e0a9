"""Monte-Carlo tree search guided by a network (PUCT: Silver et al. 2018), with proofs.

Positions that two orders of moves reach are one node (Czech et al. 2021), so the tree is a graph.
Wins, losses and draws that are proven count as such (MCTS-Solver: Winands et al. 2008); what is
won or lost at once is seen on the bit sets, before the network is asked.
"""

from collections.abc import Callable, Sequence
from math import exp, sqrt
from operator import mul
from time import thread_time

from training.agent_template.boards.board import Board, Sets
from training.agent_template.boards.clock import Clock

Evaluate = Callable[[Sequence[Sets]], tuple[list[list[float]], list[float]]]

EXPLORATION = 1.5
UNTRIED = 0.2  # how much worse than its position a move counts until it is tried
BATCH = 8
SPREAD = 16  # visits of the root for each position more in a batch
MAX_NODES = 35_000
SWEEP_S = 1.5e-6  # for each new node, when the garbage collector is let loose again
DEAD = -1e9  # the mean of a move that is proven lost: never chosen


class Node:
    """A position, seen by the side to move.

    solved: None, 0 drawn, otherwise larger is better for the mover: sooner won or later lost.
    moves: cells worth trying, none where it was solved at sight. n: visits; q: their mean value;
    value: what the network said. priors, visits, means, children: by the cells in `bits`, and
    there when the search goes on from here, which it never does from most nodes.
    """

    bits: Sequence[int]
    priors: Sequence[float]
    visits: list[int]
    means: list[float]
    children: list["Node | None"]
    __slots__ = (
        "bits",
        "children",
        "means",
        "mine",
        "moves",
        "n",
        "priors",
        "q",
        "solved",
        "theirs",
        "threats",
        "value",
        "visits",
        "wins",
    )

    def __init__(self, mine: int, theirs: int, wins: int, threats: int) -> None:
        self.mine, self.theirs, self.wins, self.threats = mine, theirs, wins, threats
        self.solved: int | None = None
        self.moves = self.n = 0
        self.q = self.value = 0.0
        self.priors = self.bits = ()

    @property
    def sets(self) -> Sets:
        return self.mine, self.theirs, self.wins, self.threats

    @property
    def stones(self) -> int:
        return (self.mine | self.theirs).bit_count()

    def prove(self, outcome: int) -> None:
        self.solved, self.q = outcome, float((outcome > 0) - (outcome < 0))


Path = list[tuple[Node, int]]


class Tree:
    """evaluate: asks the network; prove: looks for a proof, and may solve the node."""

    def __init__(self, board: Board, evaluate: Evaluate, prove: Callable[[Node], None]) -> None:
        self.board, self.evaluate, self.prove = board, evaluate, prove
        self.layers: list[dict[int, Node]] = [{} for _ in range(board.size + 1)]
        self.count = 0
        self.cost = 0.0  # seconds that the network took for the last positions, each

    def root(self, mine: int, theirs: int) -> Node:
        """The node of this position; what lies before it in a game is forgotten, others too."""
        stones = (mine | theirs).bit_count()
        root = self.layers[stones].get(self._key(mine, theirs))
        if root and self.count <= MAX_NODES // 2:
            self._clear(stones)
        else:
            self._clear(len(self.layers))
            if root:
                self._keep(root)
        root = root or self._node(*self.board.position(mine, theirs))
        if root.solved is None:
            if not root.priors:
                self._evaluate([root])
            if not root.bits:
                self._grow(root)
        return root

    def _clear(self, layers: int) -> None:
        """So many, from the first."""
        for layer in self.layers[:layers]:
            self.count -= len(layer)
            layer.clear()

    def _keep(self, root: Node) -> None:
        """All that can be reached from here."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            layer, key = self.layers[node.stones], self._key(node.mine, node.theirs)
            if key not in layer:
                layer[key] = node
                self.count += 1
                if node.bits:
                    waiting += [child for child in node.children if child]

    def run(self, root: Node, simulations: float, clock: Clock) -> int:
        """Searches until the move is decided or a limit reached. Returns the simulations done."""
        done, before, nodes = 0, clock.left(), self.count
        while done < simulations and root.solved is None and self.count < MAX_NODES:
            count = int(min(BATCH, 1 + root.n // SPREAD, simulations - done))
            left = clock.left() - SWEEP_S * (self.count - nodes) - self.cost * count
            possible = done / (before - left) * left if done else simulations
            if left <= 0 or is_decided(root, min(simulations - done, possible)):
                break
            self._simulate(root, count)
            done += count
        return done

    def child(self, node: Node, index: int) -> Node:
        """The position after a move, which another order of moves may have reached before."""
        bit = node.bits[index]
        mine, theirs = node.theirs, node.mine | bit
        filled = mine | theirs
        child = self.layers[filled.bit_count()].get(self._key(mine, theirs))
        if child is None:
            threats = self.board.completing(theirs) & self.board.cells & ~filled
            child = self._node(mine, theirs, node.threats & ~bit, threats)
        node.children[index] = child
        return child

    def settle(self, node: Node, index: int, outcome: int) -> None:
        """The move's outcome is proven, and with it perhaps the node's."""
        if outcome > 0:
            node.prove(outcome)
            return
        if outcome < 0:
            node.n -= node.visits[index]
            node.visits[index], node.means[index] = 0, DEAD
        else:
            node.means[index] = 0.0
        known = [c.solved for c in node.children if c is not None and c.solved is not None]
        if len(known) == len(node.bits):
            node.prove(-min(known))

    def _simulate(self, root: Node, count: int) -> None:
        paths = [self._descend(root) for _ in range(count)]
        leaves = {id(leaf): leaf for _, leaf in paths if leaf.solved is None}
        for leaf in leaves.values():
            self.prove(leaf)
        if pending := [leaf for leaf in leaves.values() if leaf.solved is None]:
            self._evaluate(pending)
        for path, leaf in paths:
            self._back_up(path, leaf)

    def _descend(self, node: Node) -> tuple[Path, Node]:
        """To a node that is solved or was not evaluated yet. Each step counts as a loss for now."""
        path: Path = []
        while node.solved is None and node.priors:
            if not node.bits:
                self._grow(node)
            visits, means = node.visits, node.means
            scale = EXPLORATION * sqrt(node.n)
            best, index = DEAD, 0
            for i, prior in enumerate(node.priors):
                score = means[i] + prior * scale / (1 + visits[i])
                if score > best:
                    best, index = score, i
            count = visits[index]
            means[index] = (means[index] * count - 1.0) / (count + 1)
            visits[index] = count + 1
            node.n += 1
            path.append((node, index))
            node = node.children[index] or self.child(node, index)
        return path, node

    def _back_up(self, path: Path, child: Node) -> None:
        for node, index in reversed(path):
            if node.solved is None:
                if child.solved is None:
                    node.means[index] = -child.q
                else:
                    self.settle(node, index, -child.solved)
                if node.solved is None:
                    node.q = (node.value + sum(map(mul, node.visits, node.means))) / node.n
            child = node

    def _key(self, mine: int, theirs: int) -> int:
        return mine << self.board.length | theirs

    def _node(self, mine: int, theirs: int, wins: int, threats: int) -> Node:
        board, filled = self.board, mine | theirs
        stones, moves = filled.bit_count(), board.playable(filled)
        node = self.layers[stones][self._key(mine, theirs)] = Node(mine, theirs, wins, threats)
        self.count += 1
        forced = threats & moves
        safe = (forced or moves) & ~(threats >> board.drop)
        if wins & moves:
            node.prove(board.size + 1 - stones)
        elif stones >= board.size - 1:
            node.prove(0)
        elif not safe or forced & (forced - 1):
            node.prove(stones - board.size)
        else:
            node.moves = safe
            if not safe & (safe - 1):
                node.priors = [1.0]
        return node

    def _grow(self, node: Node) -> None:
        """What it takes to go on from here."""
        node.bits = [bit for _, mask in self.board.choices if (bit := node.moves & mask)]
        count = len(node.bits)
        node.visits, node.children = [0] * count, [None] * count
        node.means = [node.value - UNTRIED] * count

    def _evaluate(self, nodes: list[Node]) -> None:
        """What the network says of new nodes."""
        started = thread_time()
        opinions = self.evaluate([node.sets for node in nodes])
        self.cost = (thread_time() - started) / len(nodes)
        for node, logits, value in zip(nodes, *opinions, strict=True):
            node.value = node.q = value
            node.n = 1
            moves = node.moves
            chosen = [logits[action] for action, mask in self.board.choices if moves & mask]
            top = max(chosen)
            weights = [exp(logit - top) for logit in chosen]
            total = sum(weights)
            node.priors = [weight / total for weight in weights]


def is_decided(root: Node, left: float) -> bool:
    """Whether the runner-up can no longer catch up with so many simulations left."""
    counts = zip(root.visits, root.means, strict=True)
    alive = sorted(count for count, mean in counts if mean > DEAD)
    return len(alive) < 2 or alive[-1] - alive[-2] > left
