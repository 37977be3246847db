"""HTML forms over the schemas of the API: what was typed, what is wrong with it, what the domain gets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import marshmallow as ma
from flask import Response, g, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from shared.errors import Invalid, Refusal
from shared.i18n import current_language, translate, translate_validation
from shared.pages.moves import DRAFT, is_kept_send
from shared.problems import flatten_errors, problem_title


class Form:
    """A form of a page. `values`: what its fields show; `errors`: the sentences beside each; `refusal`: that above
    all, `code`: which one it is.

    `initial`: what the fields show before anybody has typed.
    """

    def __init__(self, schema: ma.Schema | type[ma.Schema], initial: Mapping[str, Any] | None = None) -> None:
        self.schema = schema() if isinstance(schema, type) else schema
        is_typed = request.method == "POST"
        self.is_sent = is_typed and DRAFT not in request.form
        self.values: dict[str, Any] = typed(self.schema, request.form) if is_typed else dict(initial or {})
        self.errors: dict[str, list[str]] = {}
        self.refusal: str | None = None
        self.code: str | None = None
        self.status = 200

    @property
    def data(self) -> dict[str, Any]:
        """What was typed, checked and converted. Raises Invalid."""
        try:
            loaded: dict[str, Any] = self.schema.load(sent(self.schema, request.form))
        except ma.ValidationError as error:
            raise Invalid(fields=flatten_errors(error.messages)) from error
        return loaded

    @contextlib.contextmanager
    def refusals(self, of_fields: Mapping[str, str] | None = None) -> Iterator[None]:
        """Keeps a Refusal of the block in the form, for `page` to show; what the block has changed is rolled back.

        `of_fields`: the code of a refusal -> the one field that it is about, beside which it is told too. A script that
        sends what its device kept has no use for the page: to it the refusal goes on.
        """
        try:
            yield
        except Refusal as refusal:
            if is_kept_send():
                raise
            self.refuse(refusal, (of_fields or {}).get(refusal.code))

    def refuse(self, refusal: Refusal, field: str | None = None) -> None:
        """Shows a refusal: beside the fields it names, or `field`, or above the form."""
        self.status = refusal.status
        g.keeps_changes = refusal.keeps_changes
        if g.session is not None and not refusal.keeps_changes:
            g.session.rollback()
        self.refusal, self.code = problem_title(refusal), refusal.code
        if field is not None and not refusal.fields:
            self.errors[field] = [self.refusal]
            self.refusal = translate(Invalid.text)  # the sentence itself follows, as the way to its field
        language = current_language()
        for name, texts in (refusal.fields or {}).items():
            self.errors.setdefault(name.partition(".")[0], []).extend(
                translate_validation(text, language) for text in texts
            )

    def page(self, template: str, **context: Any) -> Response:
        """The page with this form, as `form`; its status is that of the refusal, if there was one."""
        return make_response(render_template(template, form=self, **context), self.status)


def typed(schema: ma.Schema, form: MultiDict[str, str]) -> dict[str, Any]:
    """What the fields showed when they were sent; never a password."""
    shown: dict[str, Any] = {}
    for name, field in schema.load_fields.items():
        if isinstance(field, ma.fields.List):
            shown[name] = form.getlist(name)
        elif isinstance(field, ma.fields.Boolean):
            shown[name] = name in form
        elif not _is_secret(field):
            shown[name] = form.get(name, "")
    return shown


def sent(schema: ma.Schema, form: MultiDict[str, str]) -> dict[str, Any]:
    """What a schema loads, out of the texts a browser sends.

    A box that is not ticked is sent as nothing, which means False; an empty field that is not required was left out.
    """
    found: dict[str, Any] = {}
    for name, field in schema.load_fields.items():
        if isinstance(field, ma.fields.List):
            if name in form or field.required:
                found[name] = [value for value in form.getlist(name) if value]
        elif isinstance(field, ma.fields.Boolean):
            found[name] = name in form
        elif name in form:
            text = form[name] if _is_secret(field) else form[name].strip()
            if text or field.required:
                found[name] = text
            elif field.allow_none:
                found[name] = None
    return found


def _is_secret(field: ma.fields.Field[Any]) -> bool:
    return bool(field.metadata.get("format") == "password")
