"""What a route takes and answers, said once: the checks of its input and /openapi.json are made of it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import Response, request
from flask.sansio.app import App
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.routing import BaseConverter

from deep_predictor.errors import RequestInvalid
from deep_predictor.web.json_format import json_response

EXTENSION = "deep_predictor_operations"
#: Bytes of a JSON body, where a view does not say otherwise.
JSON_BODY_BYTES = 1024 * 1024
LONGEST_TEXT = 200
#: Of what is wrong with one request, so many are told: a small body must not make a large answer.
MOST_PROBLEMS = 100

Item = TypeVar("Item")
Model = TypeVar("Model", bound="RequestModel")


class RequestModel(BaseModel):
    """What comes in: an unknown name is an error. A field made with `repr=False` is a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class AnswerModel(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())


class PageQuery(RequestModel):
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=1_000_000_000)


class Page(AnswerModel, Generic[Item]):
    """Some of a list. `next` and `previous` are addresses, null at the ends."""

    count: int
    next: str | None
    previous: str | None
    results: list[Item]


class Problem(AnswerModel):
    """RFC 9457."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None


@dataclass(frozen=True)
class Answer:
    """One kind of answer. `model`: of a JSON body; None with `media_type` None: no body.

    `also`: further media types, by what the client asks for. A media type may be a range, as `image/*`.
    """

    description: str
    model: Any = None
    media_type: str | None = "application/json"
    also: Sequence[str] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one route. Whatever it does not list is answered as a problem document."""

    summary: str
    answers: Mapping[int, Answer]
    tag: str
    query: type[RequestModel] | None = None
    body: type[RequestModel] | None = None
    #: Fields of a multipart form, and which of them are files.
    form: type[RequestModel] | None = None
    files: Sequence[str] = ()
    #: Media types of a body that is taken as it is.
    raw: Sequence[str] = ()
    description: str = ""


class IdConverter(BaseConverter):
    """`<id:name>`: a row's number, small enough for every database."""

    regex = "[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)


def note_operation(app: App, endpoint: str, operation: Operation) -> None:
    app.extensions.setdefault(EXTENSION, {})[endpoint] = operation


def _one_line(text: str) -> str:
    if text != text.strip() or not text:
        raise ValueError("must be a line of text without white space around it")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise ValueError("must not hold control characters")
    return text


#: A name or a label: any language, one line.
Line = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_one_line)]


def read_json(model: type[Model], max_bytes: int = JSON_BODY_BYTES) -> Model:
    """The request's JSON body. Raises RequestInvalid, RequestEntityTooLarge, UnsupportedMediaType."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    request.max_content_length = max_bytes
    try:
        content = json.loads(request.get_data() or b"null")
    except (ValueError, RecursionError):
        raise RequestInvalid([("", "the body is not JSON in UTF-8")]) from None
    if not isinstance(content, dict):
        raise RequestInvalid([("", "the body must be a JSON object")])
    return checked(model, content)


def read_query(model: type[Model]) -> Model:
    """The request's query. Of a name that comes twice the first counts, but where the model wants a list."""
    lists = {name for name, field in model.model_fields.items() if "list" in str(field.annotation)}
    values = {name: request.args.getlist(name) if name in lists else value for name, value in request.args.items()}
    return checked(model, values)


def read_form(model: type[Model]) -> Model:
    """The fields of the request's form; its files are in `request.files`."""
    return checked(model, request.form.to_dict())


def checked(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Raises RequestInvalid with what is wrong, at most MOST_PROBLEMS."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
    raise RequestInvalid([(_place(one["loc"]), one["msg"]) for one in details[:MOST_PROBLEMS]])


def respond(model: BaseModel, status: int = 200) -> Response:
    return json_response(model.model_dump(mode="json"), status)


def page_of(results: Sequence[Any], count: int, query: PageQuery) -> dict[str, Any]:
    """The fields of a Page."""
    after, before = query.offset + query.limit, max(0, query.offset - query.limit)
    return {
        "count": count,
        "next": _address(after, query.limit) if after < count else None,
        "previous": _address(before, query.limit) if query.offset else None,
        "results": list(results),
    }


def _place(parts: Sequence[object]) -> str:
    """Names that the client invented may be long."""
    return ".".join(map(str, parts))[:LONGEST_TEXT]


def _address(offset: int, limit: int) -> str:
    others = [(name, value) for name, value in request.args.items(multi=True) if name not in ("limit", "offset")]
    return f"{request.path}?{urlencode([*others, ('limit', limit), ('offset', offset)])}"
