"""The documentation page: the OpenAPI document as plain HTML in the site's design, no script."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

Schema = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A piece of a type as it is written: plain text, or the name of a shape to jump to."""

    text: str
    is_shape: bool = False


@dataclass(frozen=True)
class Field:
    name: str
    type: list[Part]
    note: SafeString
    is_required: bool


@dataclass(frozen=True)
class Form:
    """One of the forms in which a body may be sent."""

    content_type: str
    fields: list[Field]


@dataclass(frozen=True)
class Answer:
    """What is answered with these statuses."""

    statuses: str
    type: list[Part]


@dataclass(frozen=True)
class Call:
    id: str
    method: str
    path: str
    purpose: SafeString
    needs_token: bool
    parameters: list[Field]
    forms: list[Form]
    answers: list[Answer]


class PlainDocs(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        document = api.get_openapi_schema(path_params=kwargs)
        context = {
            "title": f"{document['info']['title']} API",
            "introduction": prose(document["info"]["description"]),
            "openapi_url": self.get_openapi_url(api, kwargs),
            "calls": list(calls_of(document)),
            "shapes": {
                name: fields_of(shape) for name, shape in sorted(shapes_of(document).items())
            },
        }
        return render(request, "league/api_docs.html", context)


def calls_of(document: Schema) -> Iterator[Call]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Call(
                id=operation["operationId"],
                method=method.upper(),
                path=path,
                purpose=prose(operation["description"]),
                needs_token={} not in operation["security"],
                parameters=[parameter_of(raw) for raw in operation["parameters"]],
                forms=list(forms_of(operation.get("requestBody", {}))),
                answers=list(answers_of(operation["responses"])),
            )


def shapes_of(document: Schema) -> dict[str, Schema]:
    """The objects that something refers to: what queries are made of stands at their calls."""
    text = json.dumps(document)
    shapes = document["components"]["schemas"]
    return {name: shape for name, shape in shapes.items() if f'/schemas/{name}"' in text}


def parameter_of(raw: Schema) -> Field:
    place = {"path": "In the path.", "query": "", "header": "A header."}[raw["in"]]
    note = f"{place} {raw.get('description', '')}".strip()
    return Field(raw["name"], type_of(raw["schema"]), prose(note), raw["required"])


def forms_of(body: Schema) -> Iterator[Form]:
    for content_type, content in body.get("content", {}).items():
        for schema in content["schema"].get("oneOf", [content["schema"]]):
            yield Form(content_type, fields_of(schema))


def answers_of(responses: dict[int, Schema]) -> Iterator[Answer]:
    """Statuses with the same body stand together."""
    by_type: dict[str, list[int]] = {}
    for status, response in responses.items():
        schema = response["content"]["application/json"]["schema"]
        by_type.setdefault(json.dumps(schema), []).append(status)
    for text, statuses in by_type.items():
        yield Answer(", ".join(map(str, statuses)), type_of(json.loads(text)))


def fields_of(schema: Schema) -> list[Field]:
    required = schema.get("required", [])
    return [
        Field(name, type_of(field), prose(field.get("description", "")), name in required)
        for name, field in schema["properties"].items()
    ]


def type_of(schema: Schema) -> list[Part]:
    """How a type is written, as pieces of text, some of which lead to a shape."""
    if "$ref" in schema:
        return [Part(schema["$ref"].rpartition("/")[2], is_shape=True)]
    if "anyOf" in schema:
        return join([type_of(choice) for choice in schema["anyOf"]], " or ")
    if "enum" in schema:
        return [Part(" | ".join(str(word) for word in schema["enum"]))]
    if schema.get("type") == "array":
        return [Part("list of "), *type_of(schema["items"])]
    return [Part(str(schema.get("format") or schema.get("type") or "any value"))]


def join(types: list[list[Part]], between: str) -> list[Part]:
    pieces = types[0]
    for following in types[1:]:
        pieces = [*pieces, Part(between), *following]
    return pieces


def prose(text: str) -> SafeString:
    """Text with `code` in backticks, as HTML."""
    pieces = text.split("`")
    marked = (
        format_html("<code>{}</code>", piece) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )
    return mark_safe("".join(marked))
