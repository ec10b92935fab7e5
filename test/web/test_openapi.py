"""GET /openapi.json and /docs: every route is in them, with what it takes, answers and asks for."""

from __future__ import annotations

import re
from typing import Any, Literal

import jsonschema_rs
import pytest
from flask import Blueprint, Flask
from pydantic import Field
from schemathesis.specs.openapi.definitions import OPENAPI_31

from deep_predictor.web import access, operations
from deep_predictor.web.access import ADMIN, PUBLIC, TRAIN, VIEW, register
from deep_predictor.web.docs_page import docs_page, type_words
from deep_predictor.web.openapi_schema import build_document, methods_of, path_template
from deep_predictor.web.openapi_security import RULES
from deep_predictor.web.operations import Answer, AnswerModel, IdConverter, Operation, Page, PageQuery, RequestModel
from test.web.answer_checks import check_answer
from test.web.conftest import MakeSite
from test.web.sites import JSON, Site


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture(scope="module")
def document(site: Site) -> dict[str, Any]:
    answer = site.get("/openapi.json")
    assert (answer.status, answer.media_type) == (200, "application/json")
    document: dict[str, Any] = answer.json
    return document


def operations_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in jsonschema_rs.validator_for(OPENAPI_31).iter_errors(document)] == []


def test_document_holds_every_route_with_its_methods(site: Site, document: dict[str, Any]) -> None:
    routes = {
        f"{method} {path_template(rule)}" for rule in site.app.url_map.iter_rules() for method in methods_of(rule)
    }
    assert routes == set(operations_of(document)), "register a route with its Operation"


def test_document_names_the_permission_of_every_route(site: Site, document: dict[str, Any]) -> None:
    described = operations_of(document)
    for rule in site.app.url_map.iter_rules():
        granted = site.app.extensions[access.EXTENSION][rule.endpoint]
        for method in methods_of(rule):
            operation = described[f"{method} {path_template(rule)}"]
            assert operation["x-permission"] == granted.name
            assert bool(operation["security"]) == (granted is not PUBLIC)


def test_every_access_rule_reads_in_openapi() -> None:
    rules = {value for value in vars(access).values() if isinstance(value, access.Access)}
    assert rules == set(RULES)


def test_references_of_the_document_lead_somewhere(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    named = set(re.findall(r"'#/components/schemas/([^']*)'", str(document)))
    assert named == set(components), "no reference leads nowhere, and no component is left over"
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in components)


def test_operations_have_an_id_of_their_own_and_words(document: dict[str, Any]) -> None:
    described = operations_of(document)
    ids = [operation["operationId"] for operation in described.values()]
    assert len(set(ids)) == len(ids)
    for name, operation in described.items():
        assert re.fullmatch(r"[A-Z].*[^.\s]", operation["summary"]), name
        assert re.fullmatch(r"[A-Z].*", operation["tags"][0]), name


def test_every_good_answer_with_json_has_a_model(site: Site) -> None:
    described: dict[str, Operation] = site.app.extensions[operations.EXTENSION]
    for endpoint, operation in described.items():
        assert any(status < 400 for status in operation.answers), endpoint
        for status, answer in operation.answers.items():
            is_json = answer.media_type == "application/json" and status != 204
            assert (answer.model is not None) == is_json, f"{endpoint}: {status}"


def test_parameters_of_a_path_are_those_in_its_name(document: dict[str, Any]) -> None:
    for name, operation in operations_of(document).items():
        parameters = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
        assert parameters == re.findall(r"{(\w+)}", name)


def test_document_says_under_which_path_it_is_mounted(site: Site) -> None:
    client = site.app.test_client()
    assert client.get("/openapi.json").json["servers"] == [{"url": "/"}]  # type: ignore[index]
    mounted = client.get("/openapi.json", base_url="http://localhost/under")
    assert mounted.json["servers"] == [{"url": "/under"}]  # type: ignore[index]


def test_api_parameters_have_their_configured_names(make_site: MakeSite) -> None:
    site = make_site(changes={"production.api_options.get_prediction_endpoint": "id-of-it"})
    described = operations_of(site.get("/openapi.json").json)
    names = {path: {one["name"] for one in described[f"GET {path}"]["parameters"]} for path in ("/api", "/test-api")}
    assert names == {"/api": {"id-of-it", "predictors", "wait"}, "/test-api": {"prediction_id", "predictors", "wait"}}


# A small application whose document is known word for word.


class Thing(AnswerModel):
    """A thing."""

    name: str
    size: int | None
    kind: Literal["a", "b"]


class Wanted(PageQuery):
    label: str | None = Field(None, max_length=5, description="of that label")
    kinds: list[Literal["a", "b"]] = Field(default_factory=list)
    number: float = Field(alias="class")


class NewThing(RequestModel):
    name: str = Field(min_length=1)
    parts: tuple[Thing, ...] = ()


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    app = Flask(__name__, static_folder=None)
    app.url_map.converters["id"] = IdConverter
    blueprint = Blueprint("things", __name__, url_prefix="/api/v1/things")

    def things() -> str:
        return ""

    def add() -> str:
        return ""

    def file(thing_id: int, kind: str) -> str:
        return f"{thing_id}{kind}"

    register(blueprint, "", things, ["GET"], VIEW, Operation("List", {200: Answer("Some", Page[Thing])}, "T", Wanted))
    adding = Operation(
        "Add",
        {201: Answer("It", Thing), 204: Answer("No")},
        "T",
        body=NewThing,
        form=NewThing,
        files=["one"],
        raw=["a/*"],
    )
    register(blueprint, "", add, ["POST"], TRAIN, adding)
    getting = Operation("Get", {200: Answer("It", Thing, also=["text/csv", "image/*"])}, "T", description="Words.")
    register(blueprint, "/<id:thing_id>/<any(x, y):kind>", file, ["GET", "POST"], ADMIN, getting)
    app.register_blueprint(blueprint)
    return build_document(app)


def test_build_document_makes_parameters_of_a_query(small: dict[str, Any]) -> None:
    parameters = {one["name"]: one for one in small["paths"]["/api/v1/things"]["get"]["parameters"]}
    assert list(parameters) == ["limit", "offset", "label", "kinds", "class"]
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
    assert parameters["label"] == {
        "name": "label",
        "in": "query",
        "required": False,
        "description": "of that label",
        "schema": {"type": "string", "maxLength": 5},
    }
    assert parameters["kinds"]["schema"]["items"] == {"type": "string", "enum": ["a", "b"]}
    assert (parameters["class"]["required"], parameters["class"]["schema"]) == (True, {"type": "number"})


def test_build_document_makes_parameters_of_converters(small: dict[str, Any]) -> None:
    methods = small["paths"]["/api/v1/things/{thing_id}/{kind}"]
    assert [one["schema"] for one in methods["get"]["parameters"]] == [
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        {"type": "string", "enum": ["x", "y"]},
    ]
    assert [methods[method]["operationId"] for method in ("get", "post")] == ["things_file_1", "things_file_2"]


def test_build_document_lists_every_kind_of_body(small: dict[str, Any]) -> None:
    body = small["paths"]["/api/v1/things"]["post"]["requestBody"]
    assert list(body["content"]) == ["application/json", "multipart/form-data", "a/*"]
    assert body["content"]["application/json"] == {"schema": {"$ref": "#/components/schemas/NewThing"}}
    form = body["content"]["multipart/form-data"]["schema"]
    assert (list(form["properties"]), form["required"]) == (["name", "parts", "one"], ["name", "one"])
    assert form["properties"]["one"] == {"type": "string", "format": "binary"}


def test_build_document_lists_every_kind_of_answer(small: dict[str, Any]) -> None:
    responses = small["paths"]["/api/v1/things"]["post"]["responses"]
    assert list(responses) == ["201", "204", "default"]
    assert responses["204"] == {"description": "No"}
    assert list(responses["default"]["content"]) == ["application/problem+json"]
    contents = small["paths"]["/api/v1/things/{thing_id}/{kind}"]["get"]["responses"]["200"]["content"]
    assert {name: content["schema"] for name, content in contents.items()} == {
        "application/json": {"$ref": "#/components/schemas/Thing"},
        "text/csv": {"type": "string"},
        "image/*": {"type": "string", "format": "binary"},
    }
    assert {"Thing", "NewThing", "Problem"} < set(small["components"]["schemas"])
    assert "Wanted" not in small["components"]["schemas"]


def test_build_document_asks_for_the_csrf_token_only_where_something_changes(small: dict[str, Any]) -> None:
    methods = small["paths"]["/api/v1/things"]
    both = [{"apiKey": []}, {"bearer": []}, {"oauth2": ["train"]}, {"oauth2": ["admin"]}]
    assert methods["get"]["security"] == [*both, {"session": []}]
    assert methods["post"]["security"] == [*both, {"session": [], "csrf": []}]


# The page.


def test_docs_page_names_every_route_and_loads_nothing(site: Site, document: dict[str, Any]) -> None:
    answer = site.get("/docs")
    assert (answer.status, answer.media_type) == (200, "text/html")
    for name, operation in operations_of(document).items():
        assert f'id="{operation["operationId"]}"' in answer.text, name
    assert "http" + "s://" not in answer.text.partition("<main")[2]


def test_docs_to_a_json_client_is_the_document(site: Site, document: dict[str, Any]) -> None:
    assert site.get("/docs", headers=JSON).json == document


def test_docs_page_says_what_a_field_is(small: dict[str, Any]) -> None:
    page = docs_page(small)
    listing, adding, getting, _ = page["sections"]["T"]
    assert (listing.method, listing.path, listing.permission) == ("GET", "/api/v1/things", "permission view")
    limit, *_, number = listing.parameters
    assert (limit.name, limit.type, limit.required) == ("limit", "integer ≥ 1 ≤ 500", False)
    assert (number.name, number.place, number.required) == ("class", "query", True)
    fields = [(field.name, field.type, field.depth) for field in listing.answers[0].fields]
    assert fields[3:] == [
        ("results", "list of Thing", 0),
        ("name", "string", 1),
        ("size", "integer or null", 1),
        ("kind", '"a" or "b"', 1),
    ]
    assert [body.media_type for body in adding.requests] == ["application/json", "multipart/form-data", "a/*"]
    assert getting.words == "Words."


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "anything"),
        ({"const": 0}, "0"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string (at least 1 characters) (at most 9 characters)"),
        ({"enum": ["x" * 200]}, '"' + "x" * 159 + "…"),
        ({"$ref": "#/components/schemas/Words"}, '"a" or "b"'),
        ({"$ref": "#/components/schemas/Thing"}, "Thing"),
    ],
    ids=str,
)
def test_type_words_say_it_in_a_line(schema: dict[str, Any], expected: str) -> None:
    components = {"Words": {"enum": ["a", "b"]}, "Thing": {"type": "object"}}
    assert type_words(schema, components) == expected


# What the HTTP tests check of every answer.


@pytest.mark.parametrize(
    ("status", "content_type", "body", "said"),
    [
        (200, "application/json", b'{"status": "dead"}', "GET /health/live: 200: .*live"),
        (200, "application/json", b"{}", "required"),
        (200, "text/html", b"", "none of"),
        (204, "application/json", b"{}", "not in the document"),
        (503, "application/json", b"{}", "none of"),
        (503, "application/problem+json", b'{"status": 503}', "required"),
    ],
)
def test_check_answer_finds_what_is_not_in_the_document(
    site: Site, status: int, content_type: str, body: bytes, said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        check_answer(site.app, "GET", "/health/live", status, content_type, body)


def test_check_answer_lets_pass_what_no_route_takes(site: Site) -> None:
    check_answer(site.app, "GET", "/nowhere", 200, "x/y", b"")
    check_answer(site.app, "DELETE", "/health/live", 405, "x/y", b"")
