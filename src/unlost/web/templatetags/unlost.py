"""Filters and tags of the console's templates: instants, sizes, cells, icons, links to records."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from unlost.app.actions.runs.run import NOT_WRITTEN
from unlost.catalog.orgs import ProtectedOrg
from unlost.engine.restore.planning.summary import ActionCount
from unlost.model.access import Right
from unlost.model.plan import PlanNote
from unlost.model.snapshot import SnapshotInfo
from unlost.web.translate import isolated, translate, word

register = template.Library()
register.filter(word)
register.filter(translate)

UNITS = ("B", "kB", "MB", "GB", "TB")
FOLD = 240  # characters of a long text that are shown before it is unfolded


@register.filter
def instant(value: datetime | None, zone: str = "UTC") -> str | SafeString:
    """An instant in a zone to the minute, UTC on hover; isolated, for it is never right to left."""
    if value is None:
        return _("never")
    local = value.astimezone(_zone(zone))
    return format_html(
        '<time dir="ltr" datetime="{}" title="{}">{}</time>',
        value.isoformat(timespec="seconds"),
        f"{value.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M} UTC",
        f"{local:%Y-%m-%d %H:%M}",
    )


def _zone(name: str) -> ZoneInfo:
    """A zone by its name. Python keeps zones by name: a text of a template would stay in them."""
    return ZoneInfo(name.encode().decode())


@register.filter
def day(value: datetime | None, zone: str = "UTC") -> str | SafeString:
    """The day of an instant in a zone."""
    if value is None:
        return _("never")
    return format_html('<time dir="ltr">{}</time>', f"{value.astimezone(_zone(zone)):%Y-%m-%d}")


@register.filter
def size(count: float | None) -> str:
    """A number of bytes in the unit that suits it."""
    value = float(count or 0)
    for unit in UNITS[:-1]:
        if abs(value) < 1000:
            return isolated(f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}")
        value /= 1000
    return isolated(f"{value:,.1f} {UNITS[-1]}")


@register.filter
def percent(share: float) -> str:
    """A share as a percentage."""
    return isolated(f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}")


@register.filter
def number(value: int | None) -> str:
    """A count with its thousands apart."""
    return f"{value:,}" if value is not None else "—"


@register.filter
def weighing(notes: Iterable[PlanNote], weight: str) -> list[PlanNote]:
    """The notes of a plan that weigh so much."""
    return [note for note in notes if note.weight.value == weight]


@register.filter
def whole(value: float) -> int:
    """A number without its fraction: one that plurals can be made of."""
    return round(value)


@register.filter
def code(value: str | None) -> SafeString:
    """An id or a name of the API: monospaced, isolated, left to right."""
    return SafeString(f'<bdi dir="ltr" class="code">{escape(value or "")}</bdi>')


@register.filter
def held(value: str | None) -> SafeString:
    """A cell as people read it; null and the empty text are told apart, long texts folded."""
    if value is None:
        return format_html('<span class="none">{}</span>', _("empty"))
    if value == "":
        return format_html('<span class="none">{}</span>', _("empty text"))
    if len(value) <= FOLD:
        return SafeString(f'<bdi class="cell">{escape(value)}</bdi>')
    return format_html(
        '<details class="long"><summary><bdi class="cell">{}…</bdi> <span class="more">{}</span>'
        '</summary><bdi class="cell">{}</bdi></details>',
        value[:FOLD],
        _("%(count)s characters") % {"count": f"{len(value):,}"},
        value,
    )


@register.simple_tag
def night_options(nights: Iterable[SnapshotInfo], chosen: str, zone: str) -> SafeString:
    """The options of a choice of backups: hundreds of them, hence in one go."""
    place = _zone(zone)
    when, backup = isolated("{}"), escape(_("backup"))
    return SafeString(
        "".join(
            f'<option value="{night.number}"{" selected" if str(night.number) == chosen else ""}>'
            f"{when.format(f'{night.as_of.astimezone(place):%Y-%m-%d %H:%M}')}"
            f" · {backup} {night.number}</option>"
            for night in nights
        )
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of our own icons; it is decoration, the word beside it tells."""
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
    """What people call a table; its own name where nothing else is known."""
    return (labels or {}).get(table) or table


@register.filter
def named_in(org: str | None, orgs: Sequence[ProtectedOrg]) -> str:
    """The org that a page is about, if it is one of these; else the first of them."""
    names = [org_row.name for org_row in orgs]
    return org if isinstance(org, str) and org in names else names[0]


@register.filter
def written(actions: Iterable[ActionCount]) -> int:
    """How many of these records are written."""
    return sum(action.count for action in actions if action.action not in NOT_WRITTEN)


@register.simple_tag
def typed_before(sent: Mapping[str, str] | None, name: str, number: int) -> str:
    """What a numbered field of a form had when it was sent; empty where none was."""
    return sent.get(f"{name}-{number}", "") if sent else ""


@register.simple_tag(takes_context=True)
def may_in(context: template.Context, right: str, org: str) -> bool:
    """True if the actor has a right in the org of this name."""
    actor = context.get("actor")
    oids = (org_row.oid for org_row in context.get("frame_orgs") or () if org_row.name == org)
    return actor is not None and any(actor.may(Right(right), oid) for oid in oids)


@register.simple_tag(takes_context=True)
def current(context: template.Context, name: str) -> SafeString:
    """Marks the link of the part of the console in which the page is."""
    here = context.get("part") == name
    return SafeString(' aria-current="page"') if here else SafeString("")
