"""Errors of actions in forms."""

from collections.abc import Callable, Mapping

from django import forms

from unlost.model.errors import UnlostError
from unlost.web.translate import error_text


def add_problem(form: forms.Form, error: UnlostError, *, field: str | None = None) -> None:
    """Add an error to a field, or to the form: the sentence and the next step."""
    form.add_error(field, error_text(error))


def done[T](
    form: forms.Form, act: Callable[[], T], *, fields: Mapping[str, str] | None = None
) -> T | None:
    """Call an action if the form was sent and is valid; otherwise, or on an error, return None.

    ``fields``: the fields to which errors belong, by code; others belong to the form.
    """
    if not form.is_valid():
        return None
    try:
        return act()
    except UnlostError as error:
        field = (fields or {}).get(error.code)
        add_problem(form, error, field=field if field in form.fields else None)
        return None
