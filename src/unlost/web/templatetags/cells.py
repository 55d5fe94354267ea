"""Values of columns as people read them, with the value as stored on hover."""

from collections.abc import Sequence
from html import escape

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from unlost.app.actions.records.show import ShownField
from unlost.app.records.lists.record_lists import ListColumn, ListedValue
from unlost.app.records.readable import readable
from unlost.model.source.schema import WireKind
from unlost.web.templatetags.unlost import cell_text, code

register = template.Library()


def people_value(value: str | None, kind: WireKind, zone: str) -> SafeString:
    """Format a value by its kind; the title has it as it is stored."""
    if not value:
        return cell_text(value)
    text = readable(value, kind, zone=zone or "UTC")
    if kind is WireKind.BOOLEAN:
        text = {"yes": _("yes"), "no": _("no")}.get(text, text)
    if text == value:
        return cell_text(value)
    return format_html('<bdi class="cell" title="{}">{}</bdi>', value, text)


def record_link(
    name: str, record: str | None, *, org: str, table: str, with_id: bool = True
) -> SafeString:
    """Format a referenced record: its name as a link to its history, if its table is known."""
    after = f" {code(record)}" if with_id and table else ""
    if not (org and table and record):
        return SafeString(
            f'<bdi class="cell" title="{escape(record or "")}">{escape(name)}</bdi>{after}'
        )
    place = reverse("record", kwargs={"org": org, "table": table, "record": record})
    return SafeString(f'<a href="{escape(place)}"><bdi>{escape(name)}</bdi></a>{after}')


@register.simple_tag
def field_value(field: ShownField, value: str | None, *, org: str, zone: str) -> SafeString:
    """Format the value of a record's field."""
    if field.means:
        return record_link(field.means, value, org=org, table=field.means_table)
    return people_value(value, field.kind, zone)


NUMBERS = (WireKind.DECIMAL, WireKind.INTEGER)


@register.simple_tag
def listed_cells(
    columns: Sequence[ListColumn], values: Sequence[ListedValue], *, org: str, zone: str
) -> SafeString:
    """Return the cells of a listed record, in one text, as a page has hundreds."""
    cells = (
        _cell(column, value, org=org, zone=zone)
        for column, value in zip(columns, values, strict=True)
    )
    return SafeString("".join(cells))


def _cell(column: ListColumn, value: ListedValue, *, org: str, zone: str) -> str:
    if value.means:
        text = record_link(
            value.means, value.value, org=org, table=value.means_table, with_id=False
        )
    else:
        text = people_value(value.value, column.kind, zone)
    kind = ' class="num"' if column.kind in NUMBERS else ""
    # On a phone each cell is a line, without the head of its column.
    return f'<td{kind}><span class="phone">{escape(column.label)}: </span>{text}</td>'
