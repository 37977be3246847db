"""A form that was refused shows what was chosen, in every kind of field, and what is wrong beside each."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import pytest
from flask import Blueprint, Response, make_response, render_template_string
from flask.testing import FlaskClient

from shared.auth import public
from shared.errors import Conflict
from shared.forms import Form
from shared.schemas import Schema
from shared.settings import Settings
from shared.web import build_app
from tests.pages import elements
from tests.shared.tiny import Tiny

COLOURS = [("red", "Red"), ("green", "Green"), ("blue", "Blue")]
FORM = """
{% from "parts.html" import field, form_errors with context %}
<form method="post">{{ form_errors(form) }}
{{ field(form, "name", "Name", required=true) }}
{{ field(form, "day", "Day", type="date", hint="Any day") }}
{{ field(form, "count", "Count", type="number") }}
{{ field(form, "note", "Note", type="textarea") }}
{{ field(form, "size", "Size", type="select", options=[(1, "one"), (2, "two"), (3, "three")]) }}
{{ field(form, "colour", "Colour", type="radio", options=colours, required=true) }}
{{ field(form, "tastes", "Tastes", type="checkboxes", options=colours) }}
{{ field(form, "is_open", "Open", type="checkbox") }}
{{ field(form, "password", "Password", type="password") }}
</form>"""
TYPED: dict[str, Any] = {
    "name": 'Zoé "la"',
    "day": "2026-03-29",
    "count": "7",
    "note": "<b>two\nlines</b>",
    "size": "3",
    "colour": "green",
    "tastes": ["red", "blue"],
    "is_open": "yes",
    "password": "trois tortues",
}


class SampleSchema(Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Length(min=3))
    day = ma.fields.Date()
    count = ma.fields.Integer()
    note = ma.fields.String()
    size = ma.fields.Integer(validate=ma.validate.OneOf([1, 2, 3]))
    colour = ma.fields.String(validate=ma.validate.OneOf([key for key, _ in COLOURS]))
    tastes = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf([key for key, _ in COLOURS])))
    is_open = ma.fields.Boolean(load_default=False)
    password = ma.fields.String(metadata={"format": "password"})


pages = Blueprint("kept_pages", __name__, url_prefix="/tiny")


@pages.route("/form", methods=["GET", "POST"])
@public
def form_page() -> Response:
    """Refuses whatever is sent, and shows it again."""
    form = Form(SampleSchema, {"size": 2, "colour": "blue", "tastes": ["green"], "is_open": True, "name": "Begin"})
    if form.is_sent:
        with form.refusals():
            _ = form.data
            raise Conflict
    return make_response(render_template_string(FORM, form=form, colours=COLOURS), form.status)


@pytest.fixture
def client(tiny: Tiny) -> FlaskClient:
    return build_app("tiny", Settings(), tiny.database, [pages], import_name=__name__).test_client()


def shown(page: str) -> dict[str, Any]:
    """What the fields of a form would send if it was sent again; lists where there are several boxes."""
    sent: dict[str, Any] = {"tastes": []}
    for attributes, _text in elements(page, "input"):
        if "name" not in attributes:
            continue  # it shows a password, and sends nothing
        name, value = attributes["name"], attributes.get("value", "")
        if attributes["type"] in ("radio", "checkbox") and "checked" not in attributes:
            continue
        if name == "tastes":
            sent[name].append(value)
        else:
            assert attributes["type"] != "radio" or name not in sent, "one of them"
            sent[name] = value
    sent |= {attributes["name"]: text for attributes, text in elements(page, "textarea")}
    sent["size"] = [attributes["value"] for attributes, _ in elements(page, "option") if "selected" in attributes]
    return sent


def test_a_refusal_keeps_what_was_chosen_in_every_kind_of_field(client: FlaskClient) -> None:
    page = client.post("/tiny/form", data=TYPED)
    assert page.status_code == 409
    kept = TYPED | {"size": ["3"], "password": "", "note": "<b>two lines</b>"}
    assert shown(page.text) == kept
    assert "<b>" not in page.text


def test_a_value_that_is_wrong_stays_too_with_what_is_wrong_beside_it(client: FlaskClient) -> None:
    wrong = TYPED | {
        "name": "é",
        "day": "2026-02-30",
        "count": "many",
        "size": "9",
        "colour": "pink",
        "tastes": ["pink"],
    }
    page = client.post("/tiny/form", data=wrong)
    assert page.status_code == 422
    kept = shown(page.text)
    assert {name: kept[name] for name in ("name", "day", "count")} == {
        "name": "é",
        "day": "2026-02-30",
        "count": "many",
    }
    assert (kept["tastes"], kept["size"], "colour" in kept) == ([], [], False), "no such choice is offered"
    errors = {
        attributes["id"]: text
        for attributes, text in elements(page.text, "div")
        if attributes.get("id", "").startswith("error-")
    }
    described = {
        attributes.get("id", "").removeprefix("field-"): attributes.get("aria-describedby", "").split()
        for attributes, _text in elements(page.text, "input", "select", "textarea", "fieldset")
    }
    for name in ("name", "day", "count", "size", "colour", "tastes"):
        assert errors[f"error-{name}"], name
        assert f"error-{name}" in described[name], f"{name}: a screen reader hears it"
        assert f'href="#field-{name}"' in page.text, "the list above leads to it"
    assert described["day"] == ["hint-day", "error-day"]
    assert "error-note" not in errors


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"is_open": None}, {"is_open": None}),
        ({"tastes": []}, {"tastes": []}),
        ({"tastes": ["green"]}, {"tastes": ["green"]}),
        ({"colour": "red"}, {"colour": "red"}),
        ({"size": "1"}, {"size": ["1"]}),
        ({"name": ""}, {"name": ""}),
    ],
    ids=str,
)
def test_what_was_unticked_or_emptied_does_not_come_back(
    client: FlaskClient, changed: dict[str, Any], kept: dict[str, Any]
) -> None:
    sent = {name: value for name, value in (TYPED | changed).items() if value is not None}
    page = shown(client.post("/tiny/form", data=sent).text)
    assert {name: page.get(name) for name in kept} == kept


def test_a_form_nobody_has_typed_into_shows_what_it_begins_with(client: FlaskClient) -> None:
    page = shown(client.get("/tiny/form").text)
    assert (page["name"], page["colour"], page["tastes"], page["is_open"]) == ("Begin", "blue", ["green"], "yes")
    assert page["size"] == ["2"]


def test_a_draft_shows_everything_as_it_was_typed(client: FlaskClient) -> None:
    page = client.post("/tiny/form", data=TYPED | {"draft": "yes"})
    assert page.status_code == 200
    assert shown(page.text)["tastes"] == ["red", "blue"]
    assert not elements(page.text, "ul"), "nothing is wrong with it yet"
