from __future__ import annotations

import marshmallow as ma
import pytest
from flask import Flask, g, render_template_string
from werkzeug.datastructures import MultiDict

from shared.errors import Conflict, Invalid, message
from shared.forms import Form, sent, typed
from shared.schemas import Schema


class Sample(Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Length(min=2))
    count = ma.fields.Integer()
    is_open = ma.fields.Boolean(load_default=False)
    tags = ma.fields.List(ma.fields.String())
    until = ma.fields.NaiveDateTime(allow_none=True)
    password = ma.fields.String(metadata={"format": "password"})


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.jinja_options = {"autoescape": True}
    return app


def test_texts_of_a_browser_become_what_the_schema_loads() -> None:
    form = MultiDict(
        [("name", " Lynx "), ("count", ""), ("tags", "a"), ("tags", ""), ("tags", "b"), ("until", ""), ("other", "x")]
    )
    assert sent(Sample(), form) == {"name": "Lynx", "is_open": False, "tags": ["a", "b"], "until": None}
    assert sent(Sample(), MultiDict({"name": "", "is_open": "yes"})) == {"name": "", "is_open": True}
    loaded = Sample().load(sent(Sample(), MultiDict({"name": "Lynx", "until": "2026-03-29T02:30", "count": "3"})))
    assert (str(loaded["until"]), loaded["count"]) == ("2026-03-29 02:30:00", 3)


def test_a_password_keeps_its_spaces_and_is_never_shown_again() -> None:
    form = MultiDict({"name": "a", "password": " secret "})
    assert sent(Sample(), form)["password"] == " secret "
    assert "password" not in typed(Sample(), form)


def test_a_form_that_was_not_sent_shows_what_it_begins_with(app: Flask) -> None:
    with app.test_request_context("/"):
        form = Form(Sample, {"name": "Lynx"})
        assert (form.is_sent, form.values, form.errors) == (False, {"name": "Lynx"}, {})


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(app: Flask) -> None:
    with app.test_request_context("/", method="POST", data={"name": "é", "count": "many"}):
        g.session = None
        form = Form(Sample)
        with form.refusals():
            pytest.fail(str(form.data))
        assert set(form.errors) == {"name", "count"}
        assert form.values["count"] == "many"
        assert form.refusal
        assert form.status == 422


def test_a_refusal_of_the_domain_is_shown_and_nothing_is_kept(app: Flask) -> None:
    rolled_back: list[bool] = []

    class Session:
        def rollback(self) -> None:
            rolled_back.append(True)

    with app.test_request_context("/", method="POST", data={"name": "Lynx"}):
        g.session = Session()
        form = Form(Sample)
        with form.refusals():
            raise Conflict(fields={"name": [message("Unknown parameter.")]})
        assert (form.status, rolled_back, list(form.errors)) == (409, [True], ["name"])


def test_any_other_error_goes_on(app: Flask) -> None:
    with app.test_request_context("/", method="POST", data={"name": "Lynx"}):
        form = Form(Sample)
        with pytest.raises(ZeroDivisionError), form.refusals():
            raise ZeroDivisionError
        with pytest.raises(Invalid):
            _ = Form(Broken).data


class Broken(Schema):
    count = ma.fields.Integer(required=True)


def test_what_was_typed_is_escaped(app: Flask) -> None:
    with app.test_request_context("/", method="POST", data={"name": '"><script>alert(1)</script>'}):
        form = Form(Sample)
        shown = render_template_string('<input value="{{ form.values.name }}">', form=form)
        assert "<script>" not in shown
