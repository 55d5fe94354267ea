"""Tags for the last 30 days of an org: the strip of days, and the charts of growth."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from unlost.app.actions.alerts.overview import OrgState
from unlost.app.health.days import DayCell
from unlost.app.storage.growth_chart import LEAST, growth_chart
from unlost.model.finding import Finding
from unlost.model.forecast import Sample
from unlost.model.gaps import AcceptedGap, acceptance_of
from unlost.model.status import OrgStatus
from unlost.web.templatetags.unlost import number, size
from unlost.web.translate import word

register = template.Library()

RECORDS = "records"
# A word and a sign for each state of a day, so that nothing depends on colour.
DAYS: Mapping[OrgStatus | None, tuple[str, str]] = {
    OrgStatus.PROTECTED: (gettext_noop("Protected"), "✓"),
    OrgStatus.INCOMPLETE: (gettext_noop("Incomplete"), "!"),
    OrgStatus.FAILED: (gettext_noop("Failed"), "✕"),
    OrgStatus.NO_BACKUP: (gettext_noop("No backup"), "–"),
    None: (gettext_noop("Not evaluated yet"), "?"),
}


@register.simple_tag
def day_strip(org: OrgState) -> SafeString:
    """Return the strip of an org's last 30 days, in one text, as a page may have hundreds."""
    # The address of each day differs only in the number of its backup.
    address = reverse("certificate", kwargs={"org": org.name, "at": "0"}).removesuffix("0/")
    cells = "".join(_cell(escape(address), cell) for cell in org.days)
    label = escape(_("Last 30 days"))
    return SafeString(f'<ol class="strip" aria-label="{label}">{cells}</ol>')


@register.simple_tag
def day_word(cell: DayCell) -> SafeString:
    """Return the state of a day in a word."""
    text, _sign = DAYS[cell.status]
    return format_html('<span class="pill {}">{}</span>', _state(cell), _(text))


@register.simple_tag
def growth_figure(name: str, samples: Sequence[Sample]) -> SafeString:
    """Return a growth as a small chart with its first and last value; too few are explained."""
    title = _("Records") if name == RECORDS else capfirst(word(name))
    if len(samples) < LEAST:
        missing = _("The chart appears after the second backup.")
        return format_html(
            '<figure class="growth"><figcaption>{}</figcaption><p class="small">{}</p></figure>',
            title,
            missing,
        )
    shown = _count if name == RECORDS else size
    first, last = samples[0], samples[-1]
    values = _("%(before)s on %(first)s, %(after)s on %(last)s") % {
        "before": shown(first.used),
        "first": f"{first.at:%Y-%m-%d}",
        "after": shown(last.used),
        "last": f"{last.at:%Y-%m-%d}",
    }
    drawn = growth_chart(samples, description=f"{title}: {values}")
    return format_html(
        '<figure class="growth"><figcaption>{} <strong>{}</strong> {}</figcaption>{}</figure>',
        title,
        shown(last.used),
        _difference(last.used - first.used, shown),
        SafeString(drawn),  # built from numbers; the only text in it is escaped
    )


@register.filter
def covered_by(gap: Finding, accepted: Sequence[AcceptedGap]) -> bool:
    """Return True if one of these acceptances covers a gap."""
    return acceptance_of(gap, accepted or ()) is not None


@register.filter
def signed(value: int) -> str:
    """Format a difference with its sign."""
    return f"{value:+,}".replace("-", "−")


def _difference(change: float, shown: Callable[[float], str]) -> SafeString:
    if not change:
        return format_html('<span class="small">{}</span>', _("unchanged"))
    sign = "+" if change > 0 else "−"
    return format_html('<bdi dir="ltr" class="small">{}{}</bdi>', sign, shown(abs(change)))


def _count(value: float) -> str:
    return number(int(value))


def _cell(address: str, cell: DayCell) -> str:
    text, sign = DAYS[cell.status]
    label = escape(f"{cell.day:%Y-%m-%d}: {_(text)}")
    inside = f'<span aria-hidden="true">{sign}</span><span class="sr">{label}</span>'
    attributes = f'class="day {_state(cell)}" title="{label}"'
    if cell.backup is None:
        return f"<li><span {attributes}>{inside}</span></li>"
    return f'<li><a {attributes} href="{address}{cell.backup}/">{inside}</a></li>'


def _state(cell: DayCell) -> str:
    return cell.status.value if cell.status is not None else "unknown"
