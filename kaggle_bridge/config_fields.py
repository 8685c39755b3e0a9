"""The keys of a configuration as form fields: typed, with bounds, choices and default."""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape

Row = dict[str, Any]
YES_NO = (("true", "yes"), ("false", "no"))
NAMES = {"list": "a list, such as [1, 2]", "object": 'an object, such as {"rows": 5}'}


class ContainerField(forms.JSONField):
    """A list or an object of JSON."""

    def __init__(self, kind: type, name: str, **more: Any) -> None:
        super().__init__(**more)
        self.kind, self.name = kind, name
        self.error_messages["invalid"] = f"Write {name}."

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
        except RecursionError:  # brackets without end
            raise ValidationError(f"Write {self.name}.", "invalid") from None
        if found is not None and not isinstance(found, self.kind):
            raise ValidationError(f"Write {self.name}.", "invalid")
        return found

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


def field_of(row: Row, value: Any) -> forms.Field:
    """value: the preset's, which also stands where nothing is given."""
    return MAKERS[row["kind"]](
        row,
        label=row["key"].rpartition(".")[2],
        help_text=escape(" ".join(filter(None, (row["help"], limits(row))))),
        initial=value,
        required=False,
    )


def limits(row: Row) -> str:
    """Bounds and default of a key, as a sentence."""
    low, high = row["minimum"], row["maximum"]
    parts = []
    if low is not None:
        parts.append(f"from {shown(low)}" + (f" to {shown(high)}" if high is not None else " up"))
    if row["default"] is not None:
        parts.append(f"default {shown(row['default'])}")
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,g}"
    return value if isinstance(value, str) else json.dumps(value)


def _number(kind: type[forms.IntegerField]) -> Callable[..., forms.Field]:
    def make(row: Row, **common: Any) -> forms.Field:
        return kind(min_value=row["minimum"], max_value=row["maximum"], **common)

    return make


def _choice(row: Row, **common: Any) -> forms.Field:
    return forms.ChoiceField(choices=[(each, each) for each in row["choices"]], **common)


def _bool(row: Row, **common: Any) -> forms.Field:
    """A choice, not a box: a box that was never sent looks like one that was emptied."""
    common["initial"] = str(common["initial"]).lower()
    return forms.TypedChoiceField(
        choices=YES_NO, coerce=lambda text: text == "true", empty_value=None, **common
    )


def _text(row: Row, **common: Any) -> forms.Field:
    return forms.CharField(max_length=200, **common)


def _container(kind: type, word: str) -> Callable[..., forms.Field]:
    def make(row: Row, **common: Any) -> forms.Field:
        widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})
        return ContainerField(kind, NAMES[word], widget=widget, **common)

    return make


MAKERS: dict[str, Callable[..., forms.Field]] = {
    "int": _number(forms.IntegerField),
    "float": _number(forms.FloatField),
    "bool": _bool,
    "choice": _choice,
    "text": _text,
    "list": _container(list, "list"),
    "object": _container(dict, "object"),
}
