"""A table of the changed fields of a record.

It is built as one text: fifty records with six fields are three hundred rows, and a template takes
five times as long for each.
"""

from collections.abc import Iterable, Sequence
from html import escape

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from unlost.app.actions.records.history import ChangedField
from unlost.web.parts.word_diff import WordRun, compared
from unlost.web.templatetags.unlost import cell_text, code

register = template.Library()


@register.simple_tag
def changed_fields(changes: Sequence[ChangedField]) -> SafeString:
    """Return the table; of long texts only the changed words are shown."""
    heads = "".join(
        f'<th scope="col">{escape(word)}</th>' for word in (_("Field"), _("Before"), _("After"))
    )
    labels = escape(_("Before")), escape(_("After"))
    rows = "".join(_row(change, *labels) for change in changes)
    return SafeString(
        f'<table class="diff"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _row(change: ChangedField, before_label: str, after_label: str) -> str:
    old, new = change.old, change.new
    words = compared(old, new) if old and new else None
    before = _named(change.old_means, old) or _side(old, words and words[0], mark="del")
    after = _named(change.new_means, new) or _side(new, words and words[1], mark="ins")
    return (
        f'<tr><th scope="row"><span title="{escape(change.column)}">{escape(change.label)}</span></th>'
        f'<td class="removed" data-label="{before_label}">{before}</td>'
        f'<td class="added" data-label="{after_label}">{after}</td></tr>'
    )


def _named(name: str, cell: str | None) -> str:
    """Return the name of a referenced record; empty if there is none."""
    return f"<bdi>{escape(name)}</bdi> {code(cell)}" if name else ""


def _side(cell: str | None, pieces: Iterable[WordRun] | None, *, mark: str) -> str:
    """Return a cell marked as deleted or inserted; of a long text only the changed words."""
    if pieces is None:
        return f"<{mark}>{cell_text(cell)}</{mark}>"
    marked_pieces = "".join(_piece(piece, mark) for piece in pieces)
    return f'<bdi class="cell">{marked_pieces}</bdi>'


def _piece(piece: WordRun, mark: str) -> str:
    if piece.left_out:
        return " … "
    text = escape(piece.text)
    return f"<{mark}>{text}</{mark}>" if piece.changed else text
