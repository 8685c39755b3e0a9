"""Self-play plays by the rules, learns, and refuses settings that clash."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training import tiny
from tests.training.games import PLAYING, TICTACTOE, WON
from training import config, search, selfplay
from training.errors import ConfigError
from training.program import Program

MOVES = 64_000
GAMES, TURNS = tiny.SELFPLAY["games"], tiny.SELFPLAY["moves_per_update"]


@pytest.fixture(scope="module")
def program(unoptimised):
    """The smallest self-play, compiled."""
    made = Program(config.from_dict(tiny.CONFIG))
    made.compile()
    return made


@pytest.fixture(scope="module")
def trained(program):
    """The last state, and the metrics of every update."""
    state, step, found = program.init(), 0, []
    while step < MOVES:
        state, step, metrics = program.update(state)
        found.append(metrics)
    return state, found


@pytest.fixture(scope="module")
def evaluated(program, trained):
    """After two more evaluations: the state and both metrics."""
    state, first = program.evaluate(trained[0])
    state, second = program.evaluate(state)
    return state, first, second


def decisive():
    """Positions of tic-tac-toe in which some moves are better than others, with the best ones."""
    found, todo = {}, [TICTACTOE.start]
    while todo:
        board = todo.pop()
        values = TICTACTOE.values(board)
        if board in found:
            continue
        found[board] = {action for action in values if values[action] == max(values.values())}
        afters = (TICTACTOE.play(board, action) for action in values)
        todo += [after for after, outcome in afters if outcome == PLAYING]
    return {board: best for board, best in found.items() if len(best) < board.count(0)}


def optimal(params):
    """The share of these positions in which the network alone has the right favourite."""
    env, network = TICTACTOE.env, tiny.settings().network
    positions = decisive()
    choose = jax.jit(
        lambda params, states: search.evaluate(env, network, params, states)[0].argmax(1)
    )
    favourites = np.asarray(choose(params, TICTACTOE.states(list(positions))))
    right = [move in best for move, best in zip(favourites, positions.values(), strict=True)]
    return np.mean(right)


def test_tictactoe_is_learnt_from_nothing(program, trained):
    """0.94 after 64,000 moves, from 0.38."""
    assert optimal(program.init().params) < 0.6
    assert optimal(trained[0].params) > 0.88


@pytest.mark.slow
def test_metrics_are_finite_and_tell_of_games(trained, evaluated):
    _, updates = trained
    for metrics in (*updates, *evaluated[1:]):
        assert all(np.isfinite(value) for value in metrics.values()), metrics
    assert 6 < np.mean([metrics["games/length"] for metrics in updates[50:]]) < 9
    assert 0 < np.mean([metrics["games/drawn"] for metrics in updates[50:]]) < 0.5
    losses = [metrics["loss/kl"] for metrics in updates]
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[5:25])


@pytest.mark.slow
def test_objective_has_an_interval(evaluated):
    for metrics in evaluated[1:]:
        name = selfplay.OBJECTIVE
        assert metrics[f"{name}_low"] < metrics[name] < metrics[f"{name}_high"]


def kinds(state):
    """By name, what compiled code and checkpoints want to be the same of a leaf."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    avals = {jax.tree_util.keystr(path): jax.typeof(leaf) for path, leaf in leaves}
    return {name: (aval.dtype, aval.shape, aval.weak_type) for name, aval in avals.items()}


@pytest.mark.slow
def test_state_has_one_form_from_first_to_last(program, trained, evaluated):
    """Or else compiled updates and checkpoints would no longer fit it."""
    first = kinds(program.init())
    assert kinds(trained[0]) == first
    assert kinds(evaluated[0]) == first
    assert not any(is_weak for _, _, is_weak in first.values())


def buffers(state):
    """Addresses of all leaves."""
    leaves = jax.tree.leaves(state)
    is_key = [jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) for leaf in leaves]
    bare = [jax.random.key_data(x) if key else x for x, key in zip(leaves, is_key, strict=True)]
    return [leaf.unsafe_buffer_pointer() for leaf in bare]


@pytest.mark.slow
def test_no_two_parts_of_a_state_share_memory(program, evaluated):
    """Or else an update could not use it up."""
    for state in (program.init(), evaluated[0]):
        assert len(set(buffers(state))) == len(jax.tree.leaves(state))


@pytest.mark.slow
def test_evaluation_moves_nothing_but_the_arena_and_the_key(trained, evaluated):
    before, after = (
        dict(zip(kinds(state), jax.tree.leaves(state), strict=True))
        for state in (trained[0], evaluated[0])
    )
    for name, leaf in before.items():
        if not name.startswith((".arena", ".key")):
            assert (leaf == after[name]).all(), name
    assert int(after[".arena.entered"]) == 2
    assert (jax.random.key_data(before[".key"]) != jax.random.key_data(after[".key"])).any()


def test_steps_count_moves(trained):
    assert int(trained[0].step) == len(trained[1]) * GAMES * TURNS


def test_same_key_gives_the_same_bits_and_another_does_not(program):
    def after(seed):
        state = dataclasses.replace(program.init(), key=jax.random.key(seed))
        for _ in range(3):
            state, _, _ = program.update(state)
        return np.asarray(state.params["policy"]["kernel"]).tobytes()

    one, again, other = (after(seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_shards_play_games_of_their_own(trained):
    stones = np.asarray(trained[0].buffer.moves.states.mine)
    one, other = np.split(stones, tiny.SELFPLAY["shards"], axis=1)
    assert (one != other).mean() > 0.5


def test_moves_in_the_ring_are_games_by_the_rules(trained):
    """Row follows row by a legal move, a finished game is followed by a new one."""
    state, _ = trained
    moves, cursor = state.buffer.moves, int(state.buffer.cursor)
    boards = jax.vmap(jax.vmap(TICTACTOE.env.board))(moves.states)
    in_order = partial(np.roll, shift=-cursor, axis=0)
    boards, ended, reward = (in_order(np.asarray(x)) for x in (boards, moves.ended, moves.reward))
    now = np.asarray(jax.vmap(TICTACTOE.env.board)(state.games))
    boards = np.concatenate([boards, now[None]])
    for slot in range(GAMES):
        for row in range(len(ended)):
            before, after = (tuple(boards[row + i, slot].tolist()) for i in (0, 1))
            played = [TICTACTOE.play(before, action) for action in TICTACTOE.legal(before)]
            if ended[row, slot]:
                outcome = WON if reward[row, slot] else "drawn"
                assert outcome in [end for _, end in played]
                assert after == TICTACTOE.start
            else:
                assert (after, PLAYING) in played
                assert reward[row, slot] == 0
    assert ended.any()


def test_policies_in_the_ring_are_of_legal_moves(trained):
    moves = trained[0].buffer.moves
    legal = jax.vmap(jax.vmap(TICTACTOE.env.legal_actions))(moves.states)
    policy = np.asarray(moves.policy)
    assert not policy[~np.asarray(legal)].any()
    np.testing.assert_allclose(policy.sum(axis=-1), 1, atol=1e-5)
    assert np.abs(moves.value).max() < 1 + 1e-5


@pytest.mark.slow
def test_opening_says_which_moves_are_drawn_at_random(program):
    settings = tiny.settings(opening={"moves": 2, "chance": 1.0}, moves_per_update=16)
    env, state = selfplay.environment(settings), program.init()
    play = jax.jit(partial(selfplay.play, env, settings))
    _, moves = play(state.params, state.games, jax.random.key(1))
    assert np.asarray(moves.strayed).tolist() == (np.asarray(moves.states.moves) < 2).tolist()
    second = np.asarray(moves.states.theirs)[1]
    assert len(set(second.tolist())) > 4, "the first moves of a game are any moves"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"environment": "chess"}, "no environment 'chess'"),
        ({"environment": "rps"}, "no environment 'rps'"),
        ({"configuration": {"rows": 4}}, "no rows of 4"),
        ({"environment": "connectx", "configuration": {"rows": 0}}, "at least 1"),
        ({"environment": "connectx", "configuration": {"depth": 3}}, "knows no depth"),
        ({"shards": 3}, "shards must divide games"),
        ({"buffer": 60}, "moves_per_update must divide buffer"),
        ({"buffer": 4}, "moves_per_update must divide buffer"),
        ({"arena": {"games": 7}}, "even number"),
        ({"arena": {"depth": 5}}, "depth is too large for 9 actions"),
        ({"games": 0}, '"selfplay.games" must be at least 1'),
        ({"network": {"kind": "cnn"}}, '"selfplay.network.kind" must be one of'),
        ({"search": {"simulation": 8}}, '"simulations"'),
        ({"learning": {"learning_rate": "fast"}}, "must be a number"),
    ],
)
def test_settings_that_clash_are_refused_in_a_sentence(changes, reason):
    with pytest.raises(ConfigError, match=reason) as refusal:
        tiny.settings(**changes)
    assert "\n" not in refusal.value.message


def test_knobs_and_presets_are_keys_that_exist():
    known = config.flat(config.to_dict(config.from_dict(tiny.CONFIG)))
    assert set(selfplay.KNOBS) <= set(known)
    for name in config.presets():
        run = config.load(name)
        assert config.from_dict(config.to_dict(run)) == run
        assert run.evaluate_interval <= run.total_steps
