"""Deletions: the outcome of each row, by collections and by jobs."""

from collections.abc import Callable

import httpx
import pytest

from fakes.salesforce import id_of
from fakes.wire import error_answer, json_answer
from unit.connectors.salesforce.writing.ingest_jobs import Jobs
from unit.connectors.salesforce.writing.writable import Org, kinds, write
from unlost.app.home.cancellation import stop_error
from unlost.connectors.salesforce.writing import ingest
from unlost.model.errors import LimitReached, NotAllowed, SourceRefused
from unlost.model.runs.jobs import RunCommand
from unlost.model.source.writing import DELETE_BLOCKED, DELETE_TOO_LARGE, WriteOp, WriteRow

DELETE = WriteOp.DELETE
REFUSED_DELETES = {
    0: ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    1: ("DELETE_FAILED", "associated with the following cases.: 00001005"),
    2: ("DELETE_OPERATION_TOO_LARGE", "cascade delete"),
    3: ("ENTITY_IS_DELETED", "entity is deleted"),
    4: ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
    5: ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
}
OUTCOMES_OF_DELETES = [
    ("failed", "write-refused", True),
    ("failed", DELETE_BLOCKED, False),
    ("failed", DELETE_TOO_LARGE, False),
    ("done", "", False),
    ("done", "", False),
    ("failed", "write-refused", False),
    ("done", "", False),
]


@pytest.fixture
def org() -> Org:
    return Org()


@pytest.mark.parametrize("count", [7, 601])
def test_refused_deletions_say_why_and_gone_records_are_deleted(org: Org, count: int) -> None:
    refusals = {id_of("001", n): refusal for n, refusal in REFUSED_DELETES.items()}

    def fate(cells: dict[str, str]) -> str:
        code, message = refusals.get(cells["Id"], ("", ""))
        return f"{code}:{message}:--" if code else ""

    def collection(request: httpx.Request) -> httpx.Response:
        told = [refusals.get(key) for key in dict(request.url.params)["ids"].split(",")]
        errors = [
            {"success": False, "errors": [{"statusCode": one[0], "message": one[1], "fields": []}]}
            if one
            else {"success": True}
            for one in told
        ]
        return json_answer(errors)

    Jobs(org, fate)
    org.wire.on("DELETE", r"/composite/sobjects\?ids=", collection)
    sent = [WriteRow(f"k{n}", id_of("001", n), {"Name": "left out"}) for n in range(count)]
    found = write(org, DELETE, sent)
    assert [(one.kind.value, one.code, one.retry) for one in found[:7]] == OUTCOMES_OF_DELETES
    assert [one.id for one in found] == [row.id for row in sent]
    assert found[1].sentence.startswith("Other records prevent its deletion. Salesforce refused")
    assert kinds(found[7:]) == ["done"] * (count - 7)


def test_many_deletions_of_an_object_without_bulk_go_by_collections(org: Org) -> None:
    Jobs(org)
    refusal = error_answer("INVALIDENTITY", "Entity is not supported by the Bulk API.", 400)
    org.wire.on("POST", r"/jobs/ingest$", refusal)
    sent = [WriteRow(f"k{n}", id_of("001", n)) for n in range(601)]
    assert kinds(write(org, DELETE, sent)) == ["done"] * 601
    assert len(org.wire.made("DELETE", "composite/sobjects")) == 4


def test_a_refused_job_of_deletions_is_no_outcome(org: Org) -> None:
    Jobs(org)
    org.wire.on("POST", r"/jobs/ingest$", error_answer("INVALIDJOB", "no such object", 400))
    with pytest.raises(SourceRefused):
        write(org, DELETE, [WriteRow(f"k{n}", id_of("001", n)) for n in range(601)])


# --- interruptions ----------------------------------------------------------------------------------


def cancel_when(org: Org, monkeypatch: pytest.MonkeyPatch, due: Callable[[], bool]) -> None:
    """Grant no call once this is true, as the budget of a cancelled run does."""

    def take(_: int = 1) -> None:
        if due():
            raise stop_error("archive-1", RunCommand.CANCEL)

    monkeypatch.setattr(org.context.budget, "take", take)


@pytest.mark.parametrize("op", [WriteOp.DELETE, WriteOp.HARD_DELETE])
@pytest.mark.parametrize("polls", [0, 1, 2])
def test_a_job_that_is_interrupted_while_it_is_polled_may_have_deleted(
    org: Org, monkeypatch: pytest.MonkeyPatch, op: WriteOp, polls: int
) -> None:
    """The first poll says that it runs, the second one that it is over: then come the results."""
    jobs = Jobs(org)

    def due() -> bool:
        return bool(jobs.uploads) and len(org.wire.made("GET", r"ingest/\w+$")) == polls

    cancel_when(org, monkeypatch, due)
    sent = [WriteRow(f"k{n}", id_of("001", n)) for n in range(601)]
    assert kinds(write(org, op, sent)) == ["unknown"] * 601


def test_an_interruption_before_the_upload_is_no_lost_answer(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(org)
    cancel_when(org, monkeypatch, lambda: True)
    with pytest.raises(LimitReached):
        write(org, HARD_DELETE, [WriteRow("k", id_of("001", 0))])
    assert not jobs.uploads


def test_an_interruption_between_two_jobs_keeps_the_outcomes_of_the_first(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "LONGEST_JOB", 19)  # one id
    Jobs(org)
    cancel_when(org, monkeypatch, lambda: bool(org.wire.made("GET", "unprocessedrecords")))
    sent = [WriteRow(f"k{n}", id_of("001", n)) for n in range(3)]
    assert kinds(write(org, HARD_DELETE, sent)) == ["done", "unknown", "unknown"]


@pytest.mark.parametrize("op", [WriteOp.DELETE, WriteOp.UPDATE])
def test_an_interruption_between_two_calls_keeps_the_outcomes_of_the_first(
    org: Org, monkeypatch: pytest.MonkeyPatch, op: WriteOp
) -> None:
    method = {WriteOp.DELETE: "DELETE", WriteOp.UPDATE: "PATCH"}[op]
    cancel_when(org, monkeypatch, lambda: bool(org.wire.made(method, "composite/sobjects")))
    sent = [WriteRow(f"k{n}", id_of("001", n), {"Name": "x"}) for n in range(450)]
    assert kinds(write(org, op, sent)) == ["done"] * 200 + ["unknown"] * 250


def test_an_interruption_after_the_job_of_a_call_keeps_its_outcomes(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore wrote the rows of the job twice: one row of the call was too special for a job."""
    Jobs(org)
    cancel_when(org, monkeypatch, lambda: bool(org.wire.made("GET", "unprocessedrecords")))
    sent = [WriteRow(f"k{n}", id_of("001", n), {"Name": f"x{n}"}) for n in range(601)]
    special = WriteRow("special", id_of("001", 700), {"Name": "a\rb"})
    outcomes = write(org, WriteOp.UPDATE, [special, *sent])
    assert kinds(outcomes) == ["unknown"] + ["done"] * 601


# --- without the recycle bin ------------------------------------------------------------------------

HARD_DELETE = WriteOp.HARD_DELETE
PERMISSION = "PermissionsBulkApiHardDelete"


@pytest.mark.parametrize("count", [1, 601])
def test_a_hard_delete_is_always_a_job(org: Org, count: int) -> None:
    jobs = Jobs(org)
    sent = [WriteRow(f"k{n}", id_of("001", n)) for n in range(count)]
    assert kinds(write(org, HARD_DELETE, sent)) == ["done"] * count
    assert jobs.wanted["operation"] == "hardDelete"
    assert jobs.uploads[0].split()[:2] == [b"Id", id_of("001", 0).encode()]
    assert not org.wire.made("DELETE", "composite/sobjects")


@pytest.mark.parametrize("code", ["FEATURENOTENABLED", "FeatureNotEnabled"])
def test_a_hard_delete_without_the_permission_is_no_soft_one(org: Org, code: str) -> None:
    Jobs(org)
    refusal = error_answer(code, "hardDelete operation requires special permission", 400)
    org.wire.on("POST", r"/jobs/ingest$", refusal)
    with pytest.raises(NotAllowed) as refused:
        write(org, HARD_DELETE, [WriteRow("k", id_of("001", 0))])
    assert refused.value.code == "write-no-hard-delete"
    assert "Bulk API Hard Delete" in refused.value.sentence
    assert not org.wire.made("DELETE", "composite/sobjects")


def test_a_hard_delete_of_an_object_without_bulk_is_refused(org: Org) -> None:
    Jobs(org)
    refusal = error_answer("INVALIDENTITY", "Entity is not supported by the Bulk API.", 400)
    org.wire.on("POST", r"/jobs/ingest$", refusal)
    (outcome,) = write(org, HARD_DELETE, [WriteRow("k", id_of("001", 0))])
    assert (outcome.kind.value, outcome.retry) == ("failed", False)
    assert "without the recycle bin" in outcome.sentence
    assert not org.wire.made("DELETE", "composite/sobjects")


def test_another_refusal_of_a_hard_delete_is_no_outcome(org: Org) -> None:
    Jobs(org)
    org.wire.on("POST", r"/jobs/ingest$", error_answer("INVALIDJOB", "no such object", 400))
    with pytest.raises(SourceRefused):
        write(org, HARD_DELETE, [WriteRow("k", id_of("001", 0))])


@pytest.mark.parametrize(("reported", "refused"), [(False, True), (True, False), (None, False)])
def test_the_permission_is_checked_as_far_as_it_is_reported(
    org: Org, reported: bool | None, refused: bool
) -> None:
    rows = [] if reported is None else [{PERMISSION: reported}]
    org.wire.on("GET", r"UserPermissionAccess", json_answer({"done": True, "records": rows}))
    with org.writer() as writer:
        if not refused:
            writer.check_hard_delete()
            return
        with pytest.raises(NotAllowed):
            writer.check_hard_delete()


def test_an_edition_without_the_permission_decides_later(org: Org) -> None:
    org.wire.on(
        "GET", r"UserPermissionAccess", error_answer("INVALID_FIELD", "No such column", 400)
    )
    with org.writer() as writer:
        writer.check_hard_delete()
