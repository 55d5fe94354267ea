"""A table of the changed fields of a record.

It is built as one text: fifty records with six fields are three hundred rows, and a template takes
five times as long for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from unlost.app.actions.records.history import ChangedField
from unlost.model.source.schema import WireKind
from unlost.web.parts.word_diff import WordRun, compared
from unlost.web.templatetags.cells import people_value, record_link

register = template.Library()

COMPARED_BY_WORD = (WireKind.TEXT, WireKind.JSON)


@register.simple_tag
def changed_fields(
    changes: Sequence[ChangedField],
    *,
    org: str = "",
    zone: str = "UTC",
    with_buttons: bool = False,
    ticks: Mapping[str, str] | None = None,
) -> SafeString:
    """Return the table; of long texts only the changed words are shown.

    ``with_buttons``: each old value that can be put back has a button that submits its column.
    ``ticks``: it has a checkbox with this value, by column.
    """
    heads = "".join(
        f'<th scope="col">{escape(word)}</th>' for word in (_("Field"), _("Before"), _("After"))
    )
    labels = escape(_("Before")), escape(_("After"))
    rows = "".join(
        _row(change, org, zone, _act(change, ticks or {}, with_buttons=with_buttons), labels)
        for change in changes
    )
    return SafeString(
        f'<table class="diff"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _row(change: ChangedField, org: str, zone: str, button: str, labels: tuple[str, str]) -> str:
    old, new = change.old, change.new
    words = compared(old, new) if old and new and change.kind in COMPARED_BY_WORD else None
    before = _named(change.old_means, old, org=org, table=change.old_table)
    after = _named(change.new_means, new, org=org, table=change.new_table)
    before = before or _side(change, old, words and words[0], mark="del", zone=zone)
    after = after or _side(change, new, words and words[1], mark="ins", zone=zone)
    return (
        f'<tr><th scope="row"><span title="{escape(change.column)}">{escape(change.label)}</span></th>'
        f'<td class="removed" data-label="{labels[0]}">{before}{button}</td>'
        f'<td class="added" data-label="{labels[1]}">{after}</td></tr>'
    )


def _act(change: ChangedField, ticks: Mapping[str, str], *, with_buttons: bool) -> str:
    if not change.restorable:
        return ""
    if change.column in ticks:
        return _tick(change, ticks[change.column])
    return _button(change) if with_buttons else ""


def _tick(change: ChangedField, tick: str) -> str:
    name = _("Take back this change of %(label)s") % {"label": change.label}
    return (
        f' <label class="tick"><input type="checkbox" name="change" '
        f'value="{escape(tick)}" aria-label="{escape(name)}"> '
        f"{escape(_('Take back'))}</label>"
    )


def _button(change: ChangedField) -> str:
    name = _("Put back this value of %(label)s") % {"label": change.label}
    return (
        f' <button class="small" name="column" value="{escape(change.column)}" '
        f'aria-label="{escape(name)}">{escape(_("Put back this value"))}</button>'
    )


def _named(name: str, cell: str | None, *, org: str, table: str) -> str:
    """Return the name of a referenced record; empty if there is none."""
    return record_link(name, cell, org=org, table=table) if name else ""


def _side(
    change: ChangedField,
    cell: str | None,
    pieces: Iterable[WordRun] | None,
    *,
    mark: str,
    zone: str,
) -> str:
    """Return a cell marked as deleted or inserted; of a long text only the changed words."""
    if pieces is None:
        return f"<{mark}>{people_value(cell, change.kind, zone)}</{mark}>"
    marked_pieces = "".join(_piece(piece, mark) for piece in pieces)
    return f'<bdi class="cell">{marked_pieces}</bdi>'


def _piece(piece: WordRun, mark: str) -> str:
    if piece.left_out:
        return " … "
    text = escape(piece.text)
    return f"<{mark}>{text}</{mark}>" if piece.changed else text
