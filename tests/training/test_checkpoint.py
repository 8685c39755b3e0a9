"""States to a file and back, and what is said of a file that does not fit."""

from collections import namedtuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from tests.training.states import CONNECTX, assert_same, bits, forge, manifest, saved, state
from training import checkpoint, storage
from training.manifest import read

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32")
DTYPES = ("bool", *INTEGERS, "float16", "float32", "complex64", "bfloat16")
NARROWED = ("uint64", "int64", "float64")


def back(folder, tree, like=None):
    path = checkpoint.regular(folder, 1)
    checkpoint.save(path, tree, manifest(1))
    return checkpoint.load(path, tree if like is None else like)[0]


def difference(folder, tree, like):
    with pytest.raises(checkpoint.Mismatch) as raised:
        back(folder, tree, like)
    return str(raised.value)


def test_a_training_state_comes_back_to_the_bit(tmp_path):
    before = state()
    after, found = checkpoint.load(saved(tmp_path), jax.eval_shape(state))
    assert_same(before, after)
    assert found == read(tmp_path / "step_7.safetensors")
    assert (found.task, found.environment) == ("selfplay", CONNECTX)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(after))


@pytest.mark.parametrize("name", DTYPES + NARROWED)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (5,), (2, 1, 3)], ids=str)
def test_every_type_and_shape_comes_back(tmp_path, name, shape):
    numbers = np.arange(np.prod(shape)).reshape(shape) % 2
    array = numbers.astype(getattr(ml_dtypes, name, name))
    tree = {"numpy": array} if name in NARROWED else {"numpy": array, "jax": jnp.asarray(array)}
    found = back(tmp_path, tree)
    assert_same(tree, found)
    assert isinstance(found["numpy"], np.ndarray)
    assert all(isinstance(found[each], jax.Array) for each in found.keys() - {"numpy"})


def test_wide_numbers_are_not_narrowed(tmp_path):
    struct = jax.ShapeDtypeStruct((1,), np.dtype("int64"))
    assert back(tmp_path, {"x": np.array([1 << 40])}, {"x": struct})["x"].tolist() == [1 << 40]


@pytest.mark.parametrize("implementation", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_typed_keys_come_back_as_keys_of_their_kind(tmp_path, implementation):
    tree = {"one": jax.random.key(3, impl=implementation)}
    tree["many"] = jax.random.split(tree["one"], (2, 3))
    found = back(tmp_path, tree, jax.eval_shape(lambda: tree))
    assert_same(tree, found)
    assert bits(jax.random.split(found["one"])) == bits(jax.random.split(tree["one"]))


def test_legacy_keys_stay_plain_arrays(tmp_path):
    key = jax.random.PRNGKey(3)
    assert_same({"key": key}, back(tmp_path, {"key": key}))


def test_containers_name_their_leaves(tmp_path):
    pair = namedtuple("pair", "left right")
    tree = {"a": [jnp.ones(1), (jnp.ones(2), None)], "b": pair(jnp.ones(3), {})}
    assert_same(tree, back(tmp_path, tree))
    assert set(read(tmp_path / "step_1.safetensors").tensors) == {"a/0", "a/1/0", "b/left"}


def test_loaded_arrays_may_be_donated_and_the_file_stays(tmp_path):
    path = saved(tmp_path)
    like = jax.eval_shape(state)
    loaded, _ = checkpoint.load(path, like)
    jax.jit(lambda tree: jax.tree.map(lambda leaf: leaf + 1, tree), donate_argnums=0)(loaded.params)
    assert_same(checkpoint.load(path, like)[0], state())


def test_saving_twice_gives_the_same_bytes(tmp_path):
    (tmp_path / "other").mkdir()
    path, said = saved(tmp_path), read(tmp_path / "step_7.safetensors")
    other = tmp_path / "other" / path.name
    checkpoint.save(other, checkpoint.load(path, state())[0], said)
    assert other.read_bytes() == path.read_bytes()


def test_what_is_static_comes_from_the_run(tmp_path):
    like = jax.eval_shape(state).replace(game="tictactoe")
    assert checkpoint.load(saved(tmp_path), like)[0].game == "tictactoe"


def test_another_network_size_is_said_with_every_difference(tmp_path):
    path = saved(tmp_path)
    with pytest.raises(checkpoint.Mismatch) as raised:
        checkpoint.load(path, jax.eval_shape(lambda: state(width=8)))
    message = str(raised.value)
    assert "task selfplay on connectx" in message
    assert "the network or the game has another size" in message
    assert "params/layer_0/kernel is float32[3,4] in the file, float32[3,8] here" in message
    for tree in ("params", "opt_state/0/mu", "opt_state/0/nu"):
        for part in ("kernel", "bias"):
            assert f"{tree}/layer_0/{part} is " in message
    assert message.count(" here;") == 5


def test_other_layers_are_said(tmp_path):
    path = saved(tmp_path, depth=2)
    with pytest.raises(checkpoint.Mismatch) as raised:
        checkpoint.load(path, jax.eval_shape(lambda: state(depth=1)))
    message = str(raised.value)
    assert "the network has other layers" in message
    assert message.count("is unexpected") == 6
    assert "params/layer_1/kernel is unexpected" in message


def test_another_task_is_said(tmp_path):
    message = difference(tmp_path, {"params": {"a": jnp.ones(1)}}, {"params": {"b": jnp.ones(1)}})
    assert "where another task runs: params/b is missing; params/a is unexpected" in message


def test_missing_unexpected_and_changed_are_named_together(tmp_path):
    there = {"a": jnp.ones(2), "b": jnp.ones(2), "c": jnp.ones(2), "key": jax.random.key(1)}
    here = {"b": jnp.ones(3), "c": jnp.ones(2, jnp.int32), "d": jnp.ones(2), "key": jnp.ones(2)}
    message = difference(tmp_path, there, here)
    assert message.endswith(
        "the state around the network is another one: d is missing; a is unexpected; "
        "b is float32[2] in the file, float32[3] here; c is float32[2] in the file, int32[2] here; "
        "key is key<fry>[] in the file, float32[2] here"
    )


def test_a_key_of_another_kind_does_not_fit(tmp_path):
    here = {"key": jax.random.key(1, impl="rbg")}
    message = difference(tmp_path, {"key": jax.random.key(1)}, here)
    assert "key is key<fry>[] in the file, key<rbg>[] here" in message


def test_a_key_of_a_kind_unknown_here_does_not_fit(tmp_path):
    path = tmp_path / "step_1.safetensors"
    said = manifest(1)
    said.keys["key"] = "lava_lamp"
    with path.open("wb") as file:
        storage.write(file, {"key": np.zeros(2, np.uint32)}, said)
    with pytest.raises(checkpoint.Mismatch, match="unknown implementation 'lava_lamp'"):
        checkpoint.load(path, {"key": jax.random.key(1)})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, value, dtype):
    tree = {"params": {"a": jnp.ones(3, dtype), "b": jnp.array([1, value], dtype)}}
    path = tmp_path / "step_1.safetensors"
    with pytest.raises(checkpoint.CheckpointError, match="infinite weights in params/b"):
        checkpoint.save(path, tree, manifest(1))
    assert list(tmp_path.iterdir()) == []
    forge(path, {"params/a": np.ones(3), "params/b": np.asarray(tree["params"]["b"])})
    with pytest.raises(checkpoint.Damaged, match=r"infinite weights in params/b: .* before it"):
        checkpoint.load(path, tree)


def test_numbers_outside_the_weights_may_be_infinite(tmp_path):
    tree = {"best": jnp.float32(-jnp.inf), "params": {"a": jnp.ones(1)}}
    assert_same(tree, back(tmp_path, tree))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"a/b": jnp.ones(1), "a": {"b": jnp.ones(2)}}, "have one name: a/b"),
        ({"a": jnp.ones(1), "rate": 0.5}, "what is no array: rate"),
        (jnp.ones(1), "'' is no name for a tensor"),
        ({"..": jnp.ones(1)}, "'..' is no name for a tensor"),
        ({"x": np.zeros(1, np.complex128)}, "no type for complex128"),
        ({f"{n}": np.zeros(1, bool) for n in range(4097)}, "4,097 arrays, 4,096 are allowed"),
    ],
    ids=["name twice", "number", "no name", "path", "type", "many"],
)
def test_a_state_that_no_file_can_hold_is_refused(tmp_path, tree, words):
    with pytest.raises(checkpoint.CheckpointError, match=words):
        checkpoint.save(tmp_path / "step_1.safetensors", tree, manifest(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tracker", [float("nan"), object(), "x" * (1 << 20), "\ud800"])
def test_trackers_that_no_header_can_hold_are_refused(tmp_path, tracker):
    said = manifest(1)
    said.trackers["best"] = tracker
    with pytest.raises(checkpoint.CheckpointError, match="cannot be saved"):
        checkpoint.save(tmp_path / "step_1.safetensors", state(), said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.gpu
def test_files_of_an_accelerator_load_on_a_cpu_and_back(tmp_path):
    accelerators = [device for device in jax.devices() if device.platform != "cpu"]
    if not accelerators:
        pytest.skip("no accelerator here")
    there = jax.device_put(state(), accelerators[0])
    with jax.default_device(jax.devices("cpu")[0]):
        here = back(tmp_path, there)
        assert_same(there, here)
        checkpoint.save(tmp_path / "step_1.safetensors", here, manifest(1))
    with jax.default_device(accelerators[0]):
        assert_same(there, checkpoint.load(tmp_path / "step_1.safetensors", there)[0])
