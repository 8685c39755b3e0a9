"""Schemas: defaults as kaggle-environments fills them, a quick check that never errs, words."""

import copy
import math
import pickle
from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import errors
from evaluation.schema import Schema, fill
from evaluation.spec import Specification
from evaluation.utils import Struct, get, get_file_json, has, plain, read_file, record, structify

BOARD = {
    "name": "board",
    "agents": [2, 3],
    "observation": {
        "cells": {"type": "array", "shared": True, "items": {"enum": [0, 1]}, "default": []},
        "mark": {"defaults": [1, 2], "enum": [1, 2]},
        "note": {"type": "string"},
    },
    "status": {"defaults": ["ACTIVE", "INACTIVE"]},
}


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        ({"type": "integer", "default": 3}, None, 3),
        ({"type": "integer", "default": 3}, 0, 0),
        ({"type": "integer"}, None, None),
        ({"type": "array"}, None, None),
        ({"type": "array", "default": [1, 2]}, None, [1, 2]),
        ({"type": "array", "default": [1, 2]}, [None, None, None], [1, 2, None]),
        ({"type": "array", "default": [1, 2]}, "text", [1, 2]),
        ({"type": "object", "default": {"a": 1}}, {"b": 2}, {"a": 1, "b": 2}),
        ({"type": "object", "default": {"a": 1}}, 7, {"a": 1}),
        ({"type": "object", "properties": {"a": {"default": 1}}}, {"a": None}, {"a": 1}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}, {}),
    ],
)
def test_defaults_are_filled_in(schema, value, filled):
    assert fill(schema, value) == filled


def test_a_default_is_never_shared():
    schema = {"type": ["array", "null"], "default": [[]]}
    fill(schema, None).append(1)
    assert fill(schema, None) == [[]]


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 2.5, math.nan, math.inf, 2**64, "", "a", "é", "\ud800"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
kinds = st.sampled_from(["integer", "number", "string", "boolean", "null", "array", "object"])
limits = st.fixed_dictionaries(
    {},
    optional={
        "type": kinds | st.lists(kinds, min_size=1, max_size=3, unique=True),
        "enum": st.lists(scalars, min_size=1, max_size=4),
        "default": values,
        "minimum": st.integers(-2, 2),
        "maximum": st.integers(-2, 2),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "description": st.just("words"),
        "multipleOf": st.just(2),
    },
)
schemas = st.recursive(
    limits,
    lambda inner: st.builds(
        lambda own, properties, others: {
            **own, "type": "object", "properties": properties, "additionalProperties": others,
        },
        limits,
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        st.booleans(),
    ),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(schemas, values)
def test_the_quick_check_passes_only_what_is_valid_and_complete(schema, value):
    if Schema(schema).accepts(value):
        jsonschema.validate(value, schema)
        assert fill(schema, copy.deepcopy(value)) == value


@settings(max_examples=200, deadline=None)
@given(schemas, values)
def test_completing_gives_a_valid_value_or_refuses_and_changes_nothing(schema, value):
    given = copy.deepcopy(value)
    with suppress(errors.InvalidArgument):
        jsonschema.validate(Schema(schema).complete(value, "value"), schema)
    assert repr(value) == repr(given)


def test_a_complaint_says_where_and_stays_short():
    schema = Schema({"type": "object", "properties": {"a": {"type": "array", "maxItems": 1}}})
    with pytest.raises(errors.InvalidArgument, match=r"a: \[1, 2\] is too long"):
        schema.complete({"a": [1, 2]}, "thing")
    with pytest.raises(errors.InvalidArgument) as caught:
        Schema({"type": "integer"}).complete("x" * 1_000_000, "thing")
    assert len(caught.value.message) < 400


def test_items_are_documentation_as_in_kaggle_environments():
    spec = Specification(BOARD)
    assert spec.published.observation.cells["items"] == {"enum": [0, 1]}
    assert spec.seat(0, {"observation": {"cells": [5, "x"]}}).observation.cells == [5, "x"]


def test_shared_fields_stand_in_seat_0_and_defaults_go_by_seat():
    spec = Specification(BOARD)
    assert spec.seat(0, {}) == {
        "action": 0,
        "reward": 0,
        "info": {},
        "observation": {"remainingOverageTime": 12, "step": 0, "cells": [], "mark": 1},
        "status": "ACTIVE",
    }
    assert spec.seat(1, {}).observation == {"remainingOverageTime": 12, "mark": 2}
    assert spec.seat(1, {}).status == "INACTIVE"
    assert spec.seat(2, {}).status == "ACTIVE"
    assert "mark" not in spec.seat(2, {}).observation


def test_openings_are_separate():
    spec = Specification(BOARD)
    spec.opening(0).observation.cells.append(1)
    spec.opening(0).info.seen = True
    assert spec.opening(0).observation.cells == []
    assert spec.opening(0).info == {}


def test_a_seat_with_an_unknown_field_is_refused():
    with pytest.raises(errors.InvalidArgument, match="state of seat 1"):
        Specification(BOARD).seat(1, {"colour": "red"})


def test_the_published_specification_has_every_part():
    published = Specification({}).published
    assert published.agents == [1]
    assert published.action == {"type": "integer", "default": 0}
    assert published.reward == {"type": ["number", "null"], "default": 0}
    assert published.configuration.actTimeout.default == 6
    assert published.observation.remainingOverageTime.default == 12
    assert (published.name, published.title, published.version) == ("", "", "")


def test_a_struct_is_read_and_written_both_ways():
    struct = structify({"a": {"b": [1, {"c": 2}]}})
    assert struct.a.b[1].c == struct["a"]["b"][1]["c"] == 2
    struct.a.d = 4
    assert struct["a"]["d"] == 4
    struct["e"] = 5
    assert struct.e == 5
    del struct.e
    assert "e" not in struct
    assert not hasattr(struct, "e")
    assert getattr(struct, "e", "none") == struct.get("e", "none") == "none"
    with pytest.raises(KeyError):
        struct["e"]
    with pytest.raises(AttributeError):
        _ = struct.e


def test_structs_copy_pickle_and_stay_dicts():
    seat = Specification(BOARD).seat(0, {})
    for twin in (copy.deepcopy(seat), copy.copy(seat), pickle.loads(pickle.dumps(seat))):
        assert twin == seat
        assert twin.observation.cells == []
    assert isinstance(seat, dict)
    assert plain(seat) == seat
    assert type(plain(seat)["observation"]) is dict


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_copies_are_equal_and_share_no_container(value):
    def containers(value: Any) -> list[int]:
        if isinstance(value, dict | list):
            inner = value.values() if isinstance(value, dict) else value
            return [id(value), *(number for item in inner for number in containers(item))]
        return []

    kept = record(value)
    for twin in (structify(value), kept, structify(kept), record(kept), plain(kept)):
        assert twin == value
        assert not set(containers(twin)) & {*containers(value), *containers(kept)} or twin is kept


def test_get_and_has_look_and_change_nothing():
    data = {"a": {"b": 1}, "f": print}
    assert get(data, int, 5, ["a", "b"]) == 1
    assert get(data, str, "x", ["a", "b"]) == "x"
    assert get(data, int, path=["a", "c"], fallback=9) == 9
    assert get(None, int, 4) == 4
    assert has(data, dict, path=["a"])
    assert not has(data, dict, default={}, path=["z"])
    assert has(data, path=["f"], is_callable=True)
    assert not has(data, path=["f"])
    assert data.keys() == {"a", "f"}


def test_files_are_read_or_replaced_by_a_fallback(tmp_path):
    (tmp_path / "good.json").write_text('{"a": 1}')
    assert get_file_json(tmp_path / "good.json") == {"a": 1}
    assert read_file(tmp_path / "good.json") == '{"a": 1}'
    assert read_file(tmp_path / "none", "other") == "other"
    assert get_file_json(tmp_path / "none", {}) == {}
    with pytest.raises(errors.NotFound):
        read_file(tmp_path / "none")
    with pytest.raises(errors.InvalidArgument):
        get_file_json(tmp_path / "none")
    assert Struct(a=1).a == 1
