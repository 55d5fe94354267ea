"""The audit's page: who did what, exports, and whether it is whole."""

import asyncio
import csv
import io
import json
import warnings
from dataclasses import replace
from typing import Any

from homes import SECRET, World
from unit.web.conftest import SignIn
from unit.web.doors import clean, few_queries, noted, text
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.people.audit import PAGE
from unlost.app.actions.people.people import add
from unlost.catalog.models import AuditRow
from unlost.catalog.people.audit import BEGUN, AuditEvent, note
from unlost.model.access import ActorKind, Role, Trace
from unlost.testing.org import MemoryOrg
from unlost.web.parts.audit_lines import csv_lines, harmless
from unlost.web.parts.streaming import StreamedResponse


def deed(world: World, subject: str, *, actor: str = "lena", org: str = "sales") -> None:
    at, kind = world.clock.now(), ActorKind.PERSON
    note(AuditEvent(at, kind, actor, "record.show", Trace.READ, org, subject, "done", {}))


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_deeds_are_listed_by_org_and_person(world: World, sign_in: SignIn) -> None:
    auditor = sign_in(Role.AUDITOR)
    deed(world, "Account/1")
    deed(world, "Account/2", actor="omar")
    deed(world, "Account/3", org="elsewhere")
    auditor.get("/")
    with few_queries():
        answer = auditor.get("/audit/")
    clean(answer)
    assert all(f"Account/{number}" in text(answer) for number in (1, 2, 3))
    page = text(auditor.get("/audit/", {"org": "sales", "actor": "lena"}))
    assert "Account/1" in page
    assert "Account/2" not in page
    assert "Account/3" not in page
    assert 'value="lena"' in page
    assert "No entry matches" in text(auditor.get("/audit/", {"actor": "nobody"}))


def test_a_long_list_of_records_is_folded_and_has_no_brackets(
    world: World, sign_in: SignIn
) -> None:
    found = [f"sales/Account/{number}" for number in range(20)]
    at, kind = world.clock.now(), ActorKind.PERSON
    for detail in ({"found": found}, {"found": found[:2]}, {"limits": {"Account": [1, 2]}, "n": 7}):
        note(AuditEvent(at, kind, "lena", "record.find", Trace.READ, "sales", "", "done", detail))
    page = text(sign_in(Role.AUDITOR).get("/audit/"))
    assert "['" not in page
    assert "{'" not in page
    assert "<summary>20 items</summary>" in page
    assert page.count("<summary>2") == 1, "two records stand in the row"
    assert "Account: 1, 2" in page


def test_a_change_that_has_not_ended_is_listed(world: World, sign_in: SignIn) -> None:
    at, kind = world.clock.now(), ActorKind.PERSON
    event = AuditEvent(at, kind, "lena", "erase.run", Trace.WRITE, "sales", "", BEGUN)
    intent = note(event)
    auditor = sign_in(Role.AUDITOR)
    assert "not finished" in text(auditor.get("/audit/?actor=lena"))
    note(replace(event, outcome="done", intent=intent.number))
    answer = auditor.get("/audit/?actor=lena")
    clean(answer)
    assert "not finished" not in text(answer)
    assert text(answer).count("erase.run") == 1


def test_older_ones_are_on_the_next_page_and_the_filter_stays(
    world: World, sign_in: SignIn
) -> None:
    auditor = sign_in(Role.AUDITOR)
    for number in range(PAGE + 3):
        deed(world, f"Account/n{number:03}")
    first = text(auditor.get("/audit/?actor=lena"))
    assert f"Account/n{PAGE + 2:03}" in first
    assert "Account/n002" not in first
    (older,) = [part.partition('"')[0] for part in first.split('href="?')[1:]]
    second = text(auditor.get("/audit/?" + older.replace("&amp;", "&")))
    assert "Account/n002" in second
    assert "Account/n003" not in second
    assert "Older entries" not in second
    assert "actor=lena" in older


def test_a_number_that_is_none_is_the_newest_page(world: World, sign_in: SignIn) -> None:
    auditor = sign_in(Role.AUDITOR)
    for number in ("x", "-1", "9" * 30, "²"):
        assert auditor.get("/audit/", {"before": number}).status_code == 200


def test_an_admin_of_one_org_reads_its_audit_alone(world: World, sign_in: SignIn) -> None:
    world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="two")
    add_org(world.app, NewOrg("memory", "service", {"address": "two"}, {"password": SECRET}))
    client = sign_in(Role.ADMIN, org="sales")
    deed(world, "Account/1")
    deed(world, "Account/2", org="service")
    page = text(client.get("/audit/"))
    assert "Account/1" in page
    assert "Account/2" not in page
    assert "Verify the audit log" not in page
    assert client.get("/audit/", {"org": "service"}).status_code == 404
    assert client.post("/audit/export/", {"format": "csv"}).status_code == 403
    assert client.post("/audit/verify/").status_code == 403


def test_who_may_not_read_it_does_not(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    assert client.get("/audit/").status_code == 403
    assert client.post("/audit/export/", {"format": "csv"}).status_code == 403
    assert "/audit/" not in text(client.get("/"))


def test_an_export_of_json_lines_holds_each_deed_and_is_noted(
    world: World, sign_in: SignIn
) -> None:
    auditor = sign_in(Role.AUDITOR)
    deed(world, "=HYPERLINK(1)")
    answer = auditor.post("/audit/export/", {"format": "jsonl"})
    assert answer["Content-Type"] == "application/jsonl"
    assert 'attachment; filename="unlost-audit-' in answer["Content-Disposition"]
    told = [json.loads(line) for line in content(answer).splitlines()]
    assert [one["number"] for one in told] == list(range(1, len(told) + 1))
    assert "=HYPERLINK(1)" in {one["deed"]["subject"] for one in told}  # as it is
    assert noted("audit.export")[0].deed.actor == "auditor-all"


def test_an_export_of_csv_runs_no_formula(world: World, sign_in: SignIn) -> None:
    auditor = sign_in(Role.AUDITOR)
    deed(world, "=1+1", actor="@SUM(A1)", org="")
    rows = list(
        csv.DictReader(
            io.StringIO(content(auditor.post("/audit/export/", {"format": "csv"})).decode())
        )
    )
    (found,) = [row for row in rows if row["act"] == "record.show"]
    assert (found["subject"], found["actor"]) == ("'=1+1", "'@SUM(A1)")
    assert all(len(row["digest"]) == 64 for row in rows)
    assert "start with an apostrophe" in text(auditor.get("/audit/"))


def test_each_way_into_a_formula_is_closed() -> None:
    for sign in "=+-@\t\r\n＝＋－＠﹢﹣﹦﹫":
        assert harmless(f"{sign}1") == f"'{sign}1"
    assert harmless("Account/1") == "Account/1"
    assert harmless("") == ""


def test_another_format_is_refused(world: World, sign_in: SignIn) -> None:
    assert sign_in(Role.AUDITOR).post("/audit/export/", {"format": "xls"}).status_code == 400
    assert noted("audit.export") == []


def test_an_export_goes_out_piece_by_piece() -> None:
    """Under ASGI Django would warn, and gather all of it in memory."""
    made: list[int] = []

    def pieces() -> Any:
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    async def first(answer: StreamedResponse) -> bytes:
        return await anext(aiter(answer))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(first(StreamedResponse(pieces(), content_type="text/csv"))) == b"0"
    assert made == [0]
    assert next(csv_lines([])).startswith(b"number,at,")


def test_a_whole_audit_is_told_with_its_end(world: World, sign_in: SignIn) -> None:
    auditor = sign_in(Role.AUDITOR)
    deed(world, "Account/1")
    answer = auditor.post("/audit/verify/")
    assert answer.status_code == 200
    digest = AuditRow.objects.order_by("-number").values_list("digest", flat=True)[0]
    assert "The audit log is complete" in text(answer)
    assert digest[:12] in text(answer)


def test_an_audit_that_was_changed_is_told(world: World, sign_in: SignIn) -> None:
    auditor = sign_in(Role.AUDITOR)
    deed(world, "Account/1")
    deed(world, "Account/2")
    AuditRow.objects.filter(subject="Account/1").update(actor="somebody else")
    answer = auditor.post("/audit/verify/")
    assert answer.status_code == 500
    assert "audit-broken" in text(answer)
    assert "is whole" not in text(answer)
    assert "Account/2" in text(answer)  # the list is still there


def test_an_act_on_people_links_to_who_did_it(world: World, sign_in: SignIn) -> None:
    add(world.app, "lena", role=Role.VIEWER)
    assert "/audit/?actor=lena" in text(sign_in().get("/settings/people/of/lena/"))
