"""Lists of automation, and the kinds that a user may not list."""

from collections.abc import Iterator

from unlost.kit.automation import listed_automation
from unlost.model.bypass import Automation, AutomationKind
from unlost.model.errors import SourceRefused

FLOW = Automation(AutomationKind.FLOW, "Close it", "task")
RULE = Automation(AutomationKind.RULE, "Needs a name", "task")


def refused() -> Iterator[Automation]:
    raise SourceRefused("shop-refused", "No.")
    yield RULE


def test_refused_kinds_are_named_once_beside_what_could_be_listed() -> None:
    listed = listed_automation(
        [
            (AutomationKind.TRIGGER, refused),
            (AutomationKind.FLOW, lambda: [FLOW]),
            (AutomationKind.TRIGGER, refused),
            (AutomationKind.RULE, lambda: iter([RULE])),
        ]
    )
    assert listed.items == (FLOW, RULE)
    assert listed.unlisted == (AutomationKind.TRIGGER,)


def test_an_org_without_automation_has_an_empty_list() -> None:
    listed = listed_automation([(AutomationKind.FLOW, list)])
    assert (listed.items, listed.unlisted) == ((), ())
