"""Details of audit entries as people read them."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

register = template.Library()

SHOWN = 3  # items of a list that stand in the row; longer lists are folded


@register.filter
def audit_value(value: Any) -> str | SafeString:
    """Format a detail of an audit entry: lists and mappings without brackets, long ones folded."""
    if isinstance(value, Mapping):
        value = [f"{name}: {_text(part)}" for name, part in value.items()]
    if not isinstance(value, list):
        return format_html("<bdi>{}</bdi>", _text(value))
    items = format_html_join(", ", "<bdi>{}</bdi>", ((_text(item),) for item in value))
    if len(value) <= SHOWN:
        return items
    count = ngettext("%(count)s item", "%(count)s items", len(value)) % {"count": f"{len(value):,}"}
    return format_html("<details><summary>{}</summary>{}</details>", count, items)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(part)}" for name, part in value.items())
    return str(value)
