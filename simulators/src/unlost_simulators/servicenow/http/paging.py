"""Pages of rows: limit, offset, and the headers X-Total-Count and Link."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.model.errors import ServiceNowError

DEFAULT_LIMIT = 10_000
ATTACHMENTS_LIMIT = 1_000
MOST_DIGITS = 18
OFFSET = "sysparm_offset"


@dataclass(frozen=True, slots=True)
class Window:
    """The place of a page."""

    limit: int
    offset: int

    @classmethod
    def of(cls, context: Context, *, default: int = DEFAULT_LIMIT) -> Window:
        """Read sysparm_limit and sysparm_offset."""
        return cls(_number(context, "sysparm_limit", default), _number(context, OFFSET, 0))


def _number(context: Context, name: str, default: int) -> int:
    text = context.call.query.get(name, str(default))
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise ServiceNowError(400, f"Invalid value for {name}", text)
    return int(text)


def link_header(context: Context, window: Window, *, fetched: int, total: int | None) -> str:
    """Give the Link header, empty where one page holds all.

    Without a count the last page is not known, and a full page is taken to have a next one (an
    inference).
    """
    if window.limit == 0:
        return ""
    end = window.offset + window.limit
    more = end < total if total is not None else fetched == window.limit
    if window.offset == 0 and not more:
        return ""
    offsets = {"first": 0}
    if window.offset > 0:
        offsets["prev"] = max(window.offset - window.limit, 0)
    if more:
        offsets["next"] = end
    if total is not None:
        offsets["last"] = max(total - 1, 0) // window.limit * window.limit
    return ",".join(
        f'<{_address(context, window.limit, offset)}>;rel="{name}"'
        for name, offset in offsets.items()
    )


def _address(context: Context, limit: int, offset: int) -> str:
    query = {**context.call.query, "sysparm_limit": str(limit), OFFSET: str(offset)}
    path = context.call.target.partition("?")[0]
    return f"{context.sim.base_url}{path}?{urlencode(query)}"
