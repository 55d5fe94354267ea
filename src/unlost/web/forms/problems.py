"""An error of ours beside the form that it is about."""

from collections.abc import Callable

from django import forms

from unlost.model.errors import UnlostError
from unlost.web.translate import error_text


def add_problem(form: forms.Form, error: UnlostError, *, field: str | None = None) -> None:
    """Tell an error at a field, or above the form: what happened, and what to do next."""
    form.add_error(field, error_text(error))


def done[T](form: forms.Form, act: Callable[[], T]) -> T | None:
    """What an action gives for a form that was sent and is right; else None, and the form says why."""
    if not form.is_valid():
        return None
    try:
        return act()
    except UnlostError as error:
        add_problem(form, error)
        return None
