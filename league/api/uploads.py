"""The three forms of a submission's POST: multipart file, JSON source, JSON URL."""

import json
from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError

from league.api.errors import bad_field
from league.errors import LeagueError
from league.submissions import Upload


def whole_text(text: str) -> str:
    """JSON can spell what is no text: half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be Unicode text") from None
    return text


Text = Annotated[str, Strict(), AfterValidator(whole_text)]
# PostgreSQL keeps no NUL in a text.
Line = Annotated[Text, Field(pattern=r"^[^\x00]*$")]
Description = Annotated[Line, Field(max_length=200)]
FORMS = (
    "Send the agent as multipart/form-data with a `file`, "
    'or as application/json: {"source": "…"} or {"url": "https://…"}.'
)


class SourceIn(BaseModel):
    model_config = ConfigDict(extra="forbid", title="Source")
    source: Text = Field(description="The agent's code; its last function plays.")
    description: Description = ""


class UrlIn(BaseModel):
    model_config = ConfigDict(extra="forbid", title="URL")
    url: Line = Field(description="Where the agent answers.", examples=["https://…"])
    description: Description = ""


class FileIn(BaseModel):
    model_config = ConfigDict(extra="forbid", title="File")
    file: bytes = Field(
        description="`.py`, or `.zip` or `.tar.gz` with main.py in it.",
        json_schema_extra={"format": "binary"},
    )
    description: Description = ""


REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": FileIn.model_json_schema()},
        "application/json": {
            "schema": {"oneOf": [SourceIn.model_json_schema(), UrlIn.model_json_schema()]}
        },
    },
}


def read_upload(request: HttpRequest) -> tuple[Upload, str]:
    """The upload and its description, in whichever form they came."""
    try:
        if request.content_type == "multipart/form-data":
            return from_form(request)
        if request.content_type == "application/json":
            return from_json(json_object(request.body))
    except ValidationError as error:
        raise bad_field([dict(detail) for detail in error.errors()]) from None
    raise LeagueError(FORMS, "unsupported_media_type", 415)


def from_form(request: HttpRequest) -> tuple[Upload, str]:
    files = request.FILES.getlist("file")
    if len(files) != 1 or len(request.FILES) != 1:
        raise LeagueError("Send one file, in the field `file`.", "missing_file")
    file = files[0]
    form = FileIn.model_validate({"file": b"", **request.POST.dict()})
    return Upload.from_file(file.name or "", file.read()), form.description


def from_json(body: dict[str, Any]) -> tuple[Upload, str]:
    if ("source" in body) == ("url" in body):
        raise LeagueError("Send either `source` or `url`.", "missing_field")
    if "source" in body:
        pasted = SourceIn.model_validate(body)
        return Upload.from_source(pasted.source), pasted.description
    remote = UrlIn.model_validate(body)
    return Upload.from_url(remote.url), remote.description


def json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise LeagueError("The body is not JSON.", "malformed_json") from None
    if not isinstance(value, dict):
        raise LeagueError("The body must be a JSON object.", "not_an_object")
    return value
