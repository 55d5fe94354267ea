"""Filters and tags for the console's templates: instants, sizes, cells, icons, links."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from unlost.app.actions.records.losses import LossLine
from unlost.app.actions.restores.outcome import RecordEnding
from unlost.app.home.discovery import connector_label
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.people.people import admins
from unlost.engine.restore.planning.shown.summary import NOT_WRITTEN, ActionCount
from unlost.engine.restore.values.outcome_text import outcome_message
from unlost.model.access import Right
from unlost.model.instants import in_zone
from unlost.model.message import Message
from unlost.model.plan import RecordKey
from unlost.model.vault.snapshot import SnapshotInfo
from unlost.web.translate import isolated, next_step, sentences, translate, word

register = template.Library()
register.filter(word)
register.filter(next_step)

LONGEST_TOKEN = 32  # characters without a space that may stand in one line, even on a phone
DATE = re.compile(r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d)?\b")  # in a sentence
TOKEN = re.compile(rf"\S{{{LONGEST_TOKEN + 1},}}")
JOINTS = re.compile(r"(?<=[@./\\_:?&=,;+-])")  # where a long token may go on in the next line
UNITS = ("B", "kB", "MB", "GB", "TB")
FOLD = 240  # characters shown of a long text until it is unfolded


@register.filter("sentences")
def message_sentences(text: Message) -> list[Message]:
    """Return the sentences of a message that joins several ones."""
    return sentences(text)


@register.filter("translate")
def translated(text: Message | str | None) -> str | SafeString:
    """Translate a sentence, and keep each of its dates in one line."""
    sentence = translate(text)
    if not DATE.search(sentence):
        return sentence
    marked = DATE.sub(r'<span class="nowrap">\g<0></span>', conditional_escape(sentence))
    return SafeString(marked)


@register.filter
def instant(value: datetime | None, zone: str = "UTC") -> str | SafeString:
    """Format an instant in a zone to the minute, with UTC on hover; always left to right."""
    if value is None:
        return _("never")
    local = in_zone(value, _zone(zone))
    return format_html(
        '<time dir="ltr" datetime="{}" title="{}">{}</time>',
        value.isoformat(timespec="seconds"),
        f"{value.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M} UTC",
        f"{local:%Y-%m-%d %H:%M}",
    )


def _zone(name: str) -> ZoneInfo:
    """Return a zone by its name, copied to a plain string.

    Python caches zones by name, and would keep a template's text alive with it.
    """
    return ZoneInfo(name.encode().decode())


@register.filter
def day(value: datetime | None, zone: str = "UTC") -> str | SafeString:
    """Format the day of an instant in a zone."""
    if value is None:
        return _("never")
    return format_html('<time dir="ltr">{}</time>', f"{in_zone(value, _zone(zone)):%Y-%m-%d}")


@register.filter
def clock(value: datetime, zone: str = "UTC") -> SafeString:
    """Format the time of day of an instant in a zone."""
    local = in_zone(value, _zone(zone))
    return format_html(
        '<time dir="ltr" datetime="{}">{}</time>',
        value.isoformat(timespec="seconds"),
        f"{local:%H:%M}",
    )


@register.filter
def size(count: float | None) -> str:
    """Format a number of bytes in a suitable unit."""
    value = float(count or 0)
    for unit in UNITS[:-1]:
        if abs(value) < 1000:
            return isolated(f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}")
        value /= 1000
    return isolated(f"{value:,.1f} {UNITS[-1]}")


@register.filter
def percent(share: float) -> str:
    """Format a share as a percentage."""
    return isolated(f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}")


@register.filter
def number(value: int | None) -> str:
    """Format a count with thousands separators."""
    return f"{value:,}" if value is not None else "—"


@register.filter
def amount(value: float) -> str:
    """Format a sum with thousands separators, and two decimals if it has any."""
    return f"{value:,.2f}".removesuffix(".00")


@register.filter
def whole(value: float) -> int:
    """Round a number, so that it can select a plural form."""
    return round(value)


@register.filter
def breakable(text: str) -> SafeString:
    """Escape a text; mark in long addresses, paths and ids where they may go on in the next line."""
    parts, at = [], 0
    for token in TOKEN.finditer(text):
        parts += [escape(text[at : token.start()]), _joined(token[0])]
        at = token.end()
    return SafeString("".join([*parts, escape(text[at:])]))


def _joined(token: str) -> str:
    """Return a long token with marks behind its punctuation, and within long parts without any."""
    pieces = [
        piece[at : at + LONGEST_TOKEN]
        for piece in JOINTS.split(token)
        for at in range(0, len(piece), LONGEST_TOKEN)
    ]
    return "<wbr>".join(escape(piece) for piece in pieces)


@register.filter
def code(value: str | None) -> SafeString:
    """Format an id or API name: monospaced, isolated, left to right."""
    return SafeString(f'<bdi dir="ltr" class="code">{breakable(value or "")}</bdi>')


@register.filter("cell")
def cell_text(value: str | None) -> SafeString:
    """Format a cell for people: null and empty text differ, long texts are folded."""
    if value is None:
        return format_html('<span class="none">{}</span>', _("empty"))
    if value == "":
        return format_html('<span class="none">{}</span>', _("empty text"))
    if len(value) <= FOLD:
        return SafeString(f'<bdi class="cell">{breakable(value)}</bdi>')
    return format_html(
        '<details class="long"><summary><bdi class="cell">{}…</bdi> <span class="more">{}</span>'
        '</summary><bdi class="cell">{}</bdi></details>',
        breakable(value[:FOLD]),
        _("%(count)s characters") % {"count": f"{len(value):,}"},
        breakable(value),
    )


@register.simple_tag
def night_options(nights: Iterable[SnapshotInfo], chosen: str, zone: str) -> SafeString:
    """Return the options for a choice of backups, in one text, as there may be hundreds."""
    place = _zone(zone)
    when, backup = isolated("{}"), escape(_("backup"))
    return SafeString(
        "".join(
            f'<option value="{night.number}"{" selected" if str(night.number) == chosen else ""}>'
            f"{when.format(f'{in_zone(night.as_of, place):%Y-%m-%d %H:%M}')}"
            f" · {backup} {night.number}</option>"
            for night in nights
        )
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return an icon of the console; it is decorative, next to a text."""
    return _drawn(name, static("unlost/icons.svg"))


@cache
def _drawn(name: str, drawings: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false" width="16" height="16">'
        '<use href="{}#{}"/></svg>',
        drawings,
        name,
    )


@register.filter
def label_in(labels: Mapping[str, str] | None, table: str) -> str:
    """Return the label of a table; its API name if there is no label."""
    return (labels or {}).get(table) or table


@register.simple_tag
def column_in(labels: Mapping[str, str] | None, table: str, column: str) -> str:
    """Return the label of a column; its API name if there is no label."""
    return (labels or {}).get(f"{table}.{column}") or column


@register.filter
def named_in(org: str | None, orgs: Sequence[ProtectedOrg]) -> str:
    """Return the org of the page if it is among these; else the first of them."""
    names = [org_row.name for org_row in orgs]
    return org if isinstance(org, str) and org in names else names[0]


@register.filter
def system(connector: str) -> str:
    """Return the name of a connector's SaaS."""
    return connector_label(connector)


@register.filter
def of_org(losses: Mapping[str, Sequence[LossLine]], org: str) -> Sequence[LossLine]:
    """Return the losses of an org."""
    return losses.get(org, ())


@register.filter
def written(actions: Iterable[ActionCount]) -> int:
    """Return how many records these actions write."""
    return sum(action.count for action in actions if action.action not in NOT_WRITTEN)


@register.simple_tag
def outcome_sentence(code: str, record: RecordEnding, sentence: str) -> str | SafeString:
    """Translate the sentence of a record's outcome; one of the org stays as it is."""
    return translated(outcome_message(code, RecordKey(record.table, record.record), sentence))


@register.simple_tag
def no_admin_yet() -> bool:
    """Return True until the home has an admin."""
    return not admins()


@register.simple_tag
def typed_before(sent: Mapping[str, str] | None, name: str, number: int) -> str:
    """Return the value of a numbered field in a sent form; empty if there is none."""
    return sent.get(f"{name}-{number}", "") if sent else ""


@register.simple_tag(takes_context=True)
def may_in(context: template.Context, right: str, org: str) -> bool:
    """Return True if the actor has a right in the org of this name."""
    actor = context.get("actor")
    oids = (org_row.oid for org_row in context.get("frame_orgs") or () if org_row.name == org)
    return actor is not None and any(actor.may(Right(right), oid) for oid in oids)


@register.simple_tag(takes_context=True)
def current(context: template.Context, name: str) -> SafeString:
    """Mark the navigation link for the current part of the console."""
    here = context.get("part") == name
    return SafeString(' aria-current="page"') if here else SafeString("")
