"""The data storage of the chocolate maker fills to exact percents, and is full after the loop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from simulators.salesforce.scenarios.test_org import opened
from unlost_simulators.salesforce.model.settings import MIB
from unlost_simulators.salesforce.org import Org, SalesforceError
from unlost_simulators.salesforce.scenarios.chocolate import full_storage, story

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def busy() -> Iterator[Org]:
    """After years of service, a day, and the night of the loop."""
    org = opened("chocolate")
    full_storage.years_of_service(org)
    yield org
    org.close()


def rows(org: Org, name: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = org.export(name).to_pylist()
    return listed


def test_years_days_and_a_loop_fill_the_storage_to_the_byte(busy: Org) -> None:
    assert busy.storage.data_bytes() == full_storage.BUSY * MIB
    before = {mail["Id"] for mail in rows(busy, "EmailMessage")}
    busy.clock.advance(DAY)
    full_storage.service_day(busy)
    assert busy.storage.data_bytes() == (full_storage.BUSY + 1) * MIB
    mails = [mail for mail in rows(busy, "EmailMessage") if mail["Id"] not in before]
    assert {
        mail["CreatedDate"] > busy.clock.now().replace(tzinfo=None) - DAY for mail in mails
    } == {True}
    for _ in range(5):
        busy.clock.advance(DAY)
        full_storage.service_day(busy)
    busy.clock.advance(DAY / 2)
    told = full_storage.out_of_office_loop(busy)
    loop = sorted(
        (
            mail
            for mail in rows(busy, "EmailMessage")
            if story.LOOPING_ADDRESS in (mail["FromAddress"], mail["ToAddress"])
        ),
        key=lambda mail: mail["MessageDate"],
    )
    assert len(loop) == told["mails"] > 50
    assert {one["Incoming"] != two["Incoming"] for one, two in pairwise(loop)} == {True}
    assert {mail["Headers"] for mail in loop} == {"Auto-Submitted: auto-replied"}
    assert busy.figures.data_left() == 0
    with pytest.raises(SalesforceError) as refusal:
        busy.insert(busy.users.first(), "Case", [{"Subject": "One more"}])
    assert refusal.value.code == "STORAGE_LIMIT_EXCEEDED"


def test_an_old_mail_shows_a_picture_that_lies_beside_it(busy: Org) -> None:
    (mail,) = [
        mail for mail in rows(busy, "EmailMessage") if mail["Subject"] == story.PICTURE_SUBJECT
    ]
    (picture,) = [file for file in rows(busy, "Attachment") if file["ParentId"] == mail["Id"]]
    assert f'file={picture["Id"]}"' in mail["HtmlBody"]
    assert picture["BodyLength"] == story.PICTURE_BYTES
    cases = {case["Id"]: case for case in rows(busy, "Case")}
    assert cases[mail["ParentId"]]["IsClosed"]


def test_half_of_the_storage_is_old(busy: Org) -> None:
    opening = busy.clock.now().replace(tzinfo=None) - 3 * full_storage.YEAR
    old = {
        name: [row for row in rows(busy, name) if row["CreatedDate"] <= opening]
        for name in ("Case", "Task", "EmailMessage")
    }
    assert len(old["Case"]) >= full_storage.OLD_CASES
    assert len(old["Task"]) >= full_storage.OLD_TASKS
    assert len(old["EmailMessage"]) * full_storage.LONG_MAIL > full_storage.STORAGE_MB * MIB / 2
