"""Spaces from schemas: values go into them and come back; what cannot be told is asked for."""

from typing import Any

import pytest

pytest.importorskip("gymnasium")

import numpy as np
from gymnasium import spaces

from evaluation.errors import InvalidArgument
from evaluation.gymnasium_spaces import derive


@pytest.mark.parametrize(
    ("schema", "example", "space", "value", "element"),
    [
        ({"enum": ["a", "b"]}, "b", spaces.Discrete(2), "b", 1),
        ({"enum": [1, 3]}, None, spaces.Discrete(3, start=-1), 3, 1),
        ({"enum": [None, 4, 5]}, 4, spaces.Discrete(3, start=3), None, 3),
        ({"type": "boolean"}, True, spaces.Discrete(2), True, 1),
        ({"type": ["integer", "null"], "minimum": 2, "maximum": 5}, 2,
         spaces.Discrete(5, start=1), None, 1),
        ({"type": "integer", "minimum": 0}, 7, spaces.Box(0, np.inf, (1,), np.int64), 7, [7]),
        ({"type": "number", "maximum": 2.5}, 1, spaces.Box(-np.inf, 2.5, (1,), np.float64),
         2, [2.0]),
        ({}, 3, spaces.Box(-np.inf, np.inf, (1,), np.int64), 4, [4]),
        ({"type": "array", "items": {"type": "array", "items": {"enum": [0, 1]}}},
         [[0, 1, 1], [1, 0, 0]], spaces.Box(0, 1, (2, 3), np.int64),
         [[1, 1, 1], [0, 0, 0]], [[1, 1, 1], [0, 0, 0]]),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}, [],
         spaces.Box(-np.inf, np.inf, (2,), np.float64), [1, 2.5], [1, 2.5]),
        ({"type": "array", "items": {"enum": ["x", "y"]}}, ["x"],
         spaces.Sequence(spaces.Discrete(2)), ["y", "x", "x"], (1, 0, 0)),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number", "minimum": 0}},
          "minItems": 0, "maxItems": 9}, [[1.5, 2]],
         spaces.Sequence(spaces.Box(0, np.inf, (2,), np.float64)), [], ()),
        ({"type": "array", "items": [{"enum": [2, 3]}, {"type": "boolean"}]}, [2, True],
         spaces.Tuple([spaces.Discrete(2, start=2), spaces.Discrete(2)]), [3, False], (3, 0)),
        ({"type": "string", "maxLength": 4}, "", spaces.Text(4, min_length=0), "abc", "abc"),
        ({"type": "object", "properties": {"on": {"type": "boolean"}}}, {"on": True, "at": 2},
         spaces.Dict({"on": spaces.Discrete(2), "at": spaces.Box(-np.inf, np.inf, (1,), np.int64)}),
         {"on": False, "at": 5}, {"on": 0, "at": [5]}),
    ],
)  # fmt: skip
def test_spaces_of_schemas(schema: Any, example: Any, space: Any, value: Any, element: Any) -> None:
    codec = derive(schema, example)
    if isinstance(space, spaces.Text):
        assert (codec.space.min_length, codec.space.max_length) == (0, 4)
    else:
        assert codec.space == space
    encoded = codec.encode(value)
    assert encoded in codec.space
    assert codec.decode(encoded) == value
    np.testing.assert_equal(encoded, element)


@pytest.mark.parametrize("schema", [{}, {"type": "array"}, {"default": None}, {"type": "object"}])
def test_what_a_schema_leaves_open_is_asked_for(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="derived: give an action_space"):
        derive(schema, path="action.list")


@pytest.mark.parametrize(
    ("kind", "example", "later"), [("array", [1, 2], [1, 2, 3]), ("string", "abc", "d" * 1001)]
)
def test_what_outgrows_its_space_is_refused_with_the_remedy(
    kind: str, example: Any, later: Any
) -> None:
    codec = derive({"type": kind}, example, "observation.snake")
    codec.encode(example)
    with pytest.raises(InvalidArgument, match=r"observation\.snake .* give an observation_space"):
        codec.encode(later)
