"""How much memory a run needs and has."""

import os

import jax
import jax.numpy as jnp
import pytest

from tests.training import toy_task
from training import memory
from training.errors import NoMemory


def test_what_an_update_needs_is_its_state_and_more() -> None:
    config = toy_task.Config(buffer=100_000)
    shapes = jax.eval_shape(lambda: toy_task.init(jax.random.key(0), config))
    compiled = jax.jit(toy_task.update, donate_argnums=0).lower(shapes).compile()
    assert 1_200_000 < memory.size(shapes) < 1_210_000, "three numbers of four bytes a place"
    assert memory.size(shapes) < memory.of_update(compiled) < 10 * memory.size(shapes)


def test_size_counts_keys_and_nothing_static() -> None:
    state = {"key": jax.random.key(0), "x": jnp.zeros(3, jnp.int8)}
    assert memory.size(state) == 8 + 3


def test_no_more_is_free_than_there_is() -> None:
    there = memory.available(jax.devices("cpu")[0])
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert there is not None
    assert 0 < there <= pages


def test_refusal_says_what_is_needed_what_is_free_and_what_to_turn_down() -> None:
    memory.check(100, 100, "nothing")
    memory.check(100, None, "nothing")
    sentence = "This run needs 2 GiB of memory and 1.5 MiB are free: turn down it."
    with pytest.raises(NoMemory) as caught:
        memory.check(2 << 30, 3 << 19, "it")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 bytes"), (1023, "1023 bytes"), (1 << 60, "1024 PiB")]
)
def test_sizes_for_people(count: int, shown: str) -> None:
    assert memory.shown(count) == shown
