"""A name in an alert is a name: no link, no emphasis, and no line of its own."""

from datetime import UTC, datetime
from typing import Any

import pytest

from unlost.alerts.senders.teams import card
from unlost.model.alert import AlertRule, Notification, NotificationKind, RaisedAlert, Urgency
from unlost.model.message import Message

AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def shown_in_teams(text: str) -> list[str]:
    message = Message("night-failed", text, "Fix it.")
    alarm = RaisedAlert(AlertRule.NIGHT_FAILED, "sales", "", Urgency.NOW, message, "unlost runs")
    attached: Any = card(Notification(NotificationKind.OPENED, alarm, AT, AT, ()))["attachments"]
    return [block["text"] for block in attached[0]["content"]["body"]]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Re-enter [your password](https://evil.example)",
         r"Re-enter \[your password\](https://evil.example)"),
        ("**Re-enter** _it_ `now` ~x~", r"\*\*Re-enter\*\* \_it\_ \`now\` \~x\~"),
        ("At {{DATE(2017-02-14T06:00:00Z)}}", r"At \{\{DATE(2017-02-14T06:00:00Z)\}\}"),
        ("- Re-enter", r"\- Re-enter"),
        ("1. Re-enter", r"1\. Re-enter"),
        ("# Re-enter", r"\# Re-enter"),
        ("Re-enter\r- a\n# b\u2028> c", "Re-enter - a # b > c"),
        (r"Re-enter \[x](y)", r"Re-enter \\\[x\](y)"),
        ("Of <Zürich> & co., 3.5 GB - as before", "Of <Zürich> & co., 3.5 GB - as before"),
    ],
)  # fmt: skip
def test_a_name_is_no_markup_in_teams(text: str, escaped: str) -> None:
    assert escaped in shown_in_teams(text)
