"""Lists of automation, some of which a user may not read."""

from collections.abc import Callable, Iterable

from unlost.model.bypass import Automation, AutomationKind, AutomationList
from unlost.model.errors import SourceRefused


def listed_automation(
    lists: Iterable[tuple[AutomationKind, Callable[[], Iterable[Automation]]]],
) -> AutomationList:
    """All lists in one; a kind of which the source refuses a list is named as unlisted."""
    items: list[Automation] = []
    unlisted: list[AutomationKind] = []
    for kind, read in lists:
        try:
            items += read()
        except SourceRefused:
            unlisted.append(kind)
    return AutomationList(tuple(items), tuple(dict.fromkeys(unlisted)))
