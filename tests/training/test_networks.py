"""Both kinds of network compute what plain NumPy does; a fresh one has no opinion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from training import networks
from training.networks import Network

pytestmark = pytest.mark.usefixtures("unoptimised")
SHAPE, ACTIONS = (4, 5, 4), 6
MLP, RESNET = Network("mlp", 8, 3), Network("resnet", 8, 2)
BOTH = pytest.mark.parametrize("network", [MLP, RESNET], ids=["mlp", "resnet"])
init = jax.jit(networks.init, static_argnums=(1, 3))
apply = jax.jit(networks.apply, static_argnums=(0, 1))


def fresh(network):
    return init(jax.random.key(0), network, jnp.zeros(SHAPE, bool), ACTIONS)


def random_params(network):
    rng = np.random.default_rng(2)
    return jax.tree.map(
        lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), fresh(network)
    )


def random_features(count=7):
    return np.random.default_rng(1).random((count, *SHAPE)) < 0.4


def dense(params, x):
    return x @ params["kernel"] + params["bias"]


def relu(x):
    return np.maximum(x, 0)


def conv(params, x):
    """A kernel of odd size over one position, which is padded with zeros."""
    kernel = params["kernel"]
    reach = len(kernel) // 2
    padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)))
    found = np.empty((*x.shape[:2], kernel.shape[-1]))
    for row, column in np.ndindex(x.shape[:2]):
        window = padded[row : row + len(kernel), column : column + len(kernel)]
        found[row, column] = np.einsum("ijc,ijcd->d", window, kernel) + params["bias"]
    return found


def plain(network, params, features):
    """Logits and value of one position."""
    x = features.astype(np.float64)
    if network.kind == "mlp":
        x = relu(dense(params["input"], x.ravel()))
        for i in range(1, network.depth):
            x = x + relu(dense(params[f"block_{i}"], x))
        policy = value = x
    else:
        x = relu(conv(params["stem"], x))
        for i in range(network.depth):
            y = relu(conv(params[f"block_{i}_a"], x))
            x = relu(x + conv(params[f"block_{i}_b"], y))
        policy = relu(conv(params["policy_conv"], x)).ravel()
        value = relu(conv(params["value_conv"], x)).ravel()
    hidden = relu(dense(params["value_hidden"], value))
    return dense(params["policy"], policy), np.tanh(dense(params["value"], hidden))[0]


@BOTH
def test_network_computes_what_numpy_does(network):
    params, features = random_params(network), random_features()
    logits, values = apply(network, ACTIONS, params, features)
    assert (logits.dtype, values.dtype) == (jnp.float32, jnp.float32)
    for row, position in enumerate(features):
        expected = plain(network, params, position)
        np.testing.assert_allclose(logits[row], expected[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(values[row], expected[1], rtol=1e-4, atol=1e-4)


@BOTH
def test_one_position_needs_no_batch(network):
    params, features = random_params(network), random_features()
    together, alone = (apply(network, ACTIONS, params, x) for x in (features, features[3]))
    assert (alone[0].shape, alone[1].shape) == ((ACTIONS,), ())
    np.testing.assert_allclose(alone[0], together[0][3], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(alone[1], together[1][3], rtol=1e-5, atol=1e-5)


@BOTH
def test_fresh_network_prefers_no_move_and_expects_a_draw(network):
    logits, values = apply(network, ACTIONS, fresh(network), random_features(50))
    assert np.ptp(logits, axis=1).max() < 1
    assert np.abs(values).max() < 0.3
    assert np.abs(logits).max() > 0, "but it can learn"


def test_fresh_residual_block_changes_nothing():
    params = fresh(RESNET)
    shallow = {name: layer for name, layer in params.items() if not name.startswith("block_1")}
    features = random_features()
    deep = apply(RESNET, ACTIONS, params, features)
    np.testing.assert_array_equal(
        deep[0], apply(Network("resnet", 8, 1), ACTIONS, shallow, features)[0]
    )


@BOTH
def test_layers_have_the_names_that_exported_agents_read(network):
    layers = {
        "mlp": {"input", "block_1", "block_2"},
        "resnet": {"stem", "policy_conv", "value_conv"}
        | {f"block_{i}_{part}" for i in range(2) for part in "ab"},
    }[network.kind]
    params = fresh(network)
    assert set(params) == layers | {"policy", "value_hidden", "value"}
    assert all(set(layer) == {"kernel", "bias"} for layer in params.values())


def test_size_counts_weights():
    inputs, width, hidden = 4 * 5 * 4, 8, networks.VALUE_UNITS
    body = inputs * width + width + 2 * (width * width + width)
    heads = width * ACTIONS + ACTIONS + width * hidden + hidden + hidden + 1
    assert sum(leaf.size for leaf in jax.tree.leaves(fresh(MLP))) == body + heads


def test_seed_decides_the_first_weights():
    one, same, other = (
        init(jax.random.key(seed), MLP, jnp.zeros(SHAPE, bool), ACTIONS)["input"]["kernel"]
        for seed in (0, 0, 1)
    )
    assert (one == same).all()
    assert not (one == other).any()
