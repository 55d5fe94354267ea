"""A customer and all that belonged to it come back as they were, judged by the org alone.

The judge takes the org's tables before the disaster and after the restore; of Unlost it believes
only which new record stands for which lost one, and what the run itself calls different.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from integration.cli.conftest import Program, moved_in
from unlost.connectors.salesforce.writing import writer as writing
from unlost.connectors.salesforce.writing.writer import SalesforceWriter
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

ADMIN = "lotte.devos@chocolate.example"
SECRET = "not-a-secret-writer"
BYTES = {"ContentVersion": "VersionData", "Attachment": "Body"}
# Salesforce keeps these itself, and no restore writes them.
LOGS = ("History", "Share", "Feed", "ChangeEvent")
# A mail that was sent takes no files any more, not even those that it had.
NAMED = {"ContentDocumentLink"}
# What every write moves, also that of a record which only gets a reference back.
STAMPS = {"SystemModstamp", "LastModifiedDate", "LastModifiedById", "LastActivityDate"}

type Row = Mapping[str, Any]
type Key = tuple[str, str]


@dataclass
class Picture:
    """All live rows of an org by (table, id), and the bytes of its files."""

    rows: dict[Key, Row]
    bytes: dict[Key, bytes]

    @classmethod
    def of(cls, served: SimulatorProcess) -> "Picture":
        held = served.admin.get("holds")
        rows = {
            (table, row["Id"]): row
            for table in held
            if held[table]["live"]
            for row in served.admin.get("export", object=table)["rows"]
        }
        signed = {"Authorization": f"Bearer {served.token('chocolate-backup')}"}
        with httpx.Client(base_url=served.url, headers=signed) as client:
            return cls(rows, {key: body(client, *key) for key in rows if key[0] in BYTES})


def body(client: httpx.Client, table: str, record: str) -> bytes:
    answer = client.get(f"/services/data/v66.0/sobjects/{table}/{record}/{BYTES[table]}")
    assert answer.status_code == 200, answer.text
    return answer.content


@dataclass
class Return:
    """The org before and after, what the run told, and which tables the plan said not to touch."""

    before: Picture
    after: Picture
    told: Mapping[Key, Mapping[str, Any]]
    never: set[str]
    planned: Mapping[Key, tuple[str, Mapping[str, Any]]]  # the action, and the first run's outcome

    @cached_property
    def lost(self) -> set[Key]:
        """What is not there any more under its own id."""
        return {key for key in self.before.rows if key not in self.after.rows}

    @cached_property
    def gone(self) -> set[Key]:
        """What the run brought back, under whatever id."""
        back = ("created", "undeleted", "by-product", "adopted")
        return {key for key, one in self.told.items() if one["ending"] in back}

    @cached_property
    def lives(self) -> dict[str, str]:
        return {record: one["live"] for (_, record), one in self.told.items() if one["live"]}

    def mapped(self, value: Any) -> Any:
        """A reference to a lost record is one to its new self."""
        return self.lives.get(value, value) if isinstance(value, str) else value

    def different(self, key: Key) -> set[str]:
        """The columns of a record that are not as they were, its bytes apart."""
        table, record = key
        live = self.after.rows[table, self.lives.get(record, record)]
        was = self.before.rows[key]
        apart = {"Id", BYTES.get(table)}
        return {n for n in was if n not in apart and self.mapped(was[n]) != live[n]}


class Deaf:
    """Hears no answer: each call is lost on its way once, and then its answer is, once."""

    def __init__(self) -> None:
        self.lost: Counter[tuple[WriteOp, str, str]] = Counter()

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(SalesforceWriter, "write", self._write(SalesforceWriter.write))
        patch.setattr(SalesforceWriter, "upload", self._upload(SalesforceWriter.upload))
        patch.setattr(writing, "SETTLE_SECONDS", 0.0)  # the simulated org does at once what it does

    def _write(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def write(
            writer: SalesforceWriter,
            op: WriteOp,
            table: Table,
            rows: Sequence[WriteRow],
            **more: Any,
        ) -> Any:
            before = self._lost_before(op, table, rows)
            told = real(writer, op, table, rows, **more) if before else ()
            return told if before > 1 else unheard(rows)

        return write

    def _upload(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def upload(
            writer: SalesforceWriter, table: Table, row: WriteRow, body: Any, **more: Any
        ) -> Any:
            before = self._lost_before(WriteOp.CREATE, table, [row])
            told = real(writer, table, row, body, **more) if before else None
            return told if before > 1 else unheard([row])[0]

        return upload

    def _lost_before(self, op: WriteOp, table: Table, rows: Sequence[WriteRow]) -> int:
        """How many calls with some of these rows were lost; one more counts from now on."""
        keys = [(op, table.name, row.key) for row in rows]
        before = max(self.lost[key] for key in keys)
        self.lost.update(keys)
        return before


def unheard(rows: Sequence[WriteRow]) -> list[RowOutcome]:
    return [RowOutcome(row.key, OutcomeKind.UNKNOWN) for row in rows]


WAYS = {
    "from the vault alone": (20, False),
    "from the bin": (1, False),
    "from the vault, hearing no answer": (20, True),
    "from the bin, hearing no answer": (1, True),
}


IN_FULL = "from the vault, hearing no answer"  # it meets the most; the others are of deep


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(way, id=name, marks=[] if name == IN_FULL else [pytest.mark.deep])
        for name, way in WAYS.items()
    ],
)
def returned(
    request: pytest.FixtureRequest, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Return]:
    (days, deaf), ears = request.param, Deaf()
    folder = tmp_path_factory.mktemp("returned")
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    with SimulatorProcess() as served:
        shop = moved_in(first_home, folder, served.url, environment=secret)
        let_write(shop, served)
        before = Picture.of(served)
        served.admin.post("story/delete-customer")
        served.admin.post("clock/advance", days=days)
        assert shop("backup", "chocolate").code in {0, 3}
        with pytest.MonkeyPatch.context() as patch:
            if deaf:
                ears.patch(patch)
            never, told, planned = restored(shop, folder / "plan.json")
        assert bool(ears.lost) == deaf
        yield Return(before, Picture.of(served), told, never, planned)


def let_write(shop: Program, served: SimulatorProcess) -> None:
    """The home gets a write user."""
    served.admin.post("apps", consumer_key="writer", consumer_secret=SECRET, run_as=ADMIN)
    assert shop("org", "writer", "chocolate", "--client-id", "writer").code in {0, 3}


def restored(
    shop: Program, plan: Path
) -> tuple[set[str], dict[Key, Mapping[str, Any]], Mapping[Key, tuple[str, Mapping[str, Any]]]]:
    """Bring back what was lost, and try again what does not leave the bin; what is told of each."""
    words = ("restore", "plan", "chocolate", "--lost-between", "1", "2", "--out", str(plan))
    notes = shop(*words, "--json").done["summary"]["notes"]
    never = {note["table"] for note in notes if note["code"] == "table-never"}
    run = shop("restore", "run", str(plan), "--json").done["run"]
    told = outcomes(shop, run)
    steps = json.loads(plan.read_bytes())["steps"]
    keys = {(step["table"], step["record"]): step["action"] for step in steps}
    planned = {key: (action, told[key]) for key, action in keys.items()}
    if any("restore retry" in one["next_step"] for one in told.values()):
        again = shop("restore", "retry", run, "--json").done["run"]
        told |= outcomes(shop, again)
    return never, told, planned


def outcomes(shop: Program, run: str) -> dict[Key, Mapping[str, Any]]:
    records = shop("runs", run, "--json").done["records"]
    return {(one["table"], one["record"]): one for one in records}


def test_everything_that_was_lost_is_there_or_named(returned: Return) -> None:
    assert returned.told
    for key in returned.lost:
        table = key[0]
        if table.endswith(LOGS) or table in returned.never:
            continue
        assert key in returned.told, f"{key} is lost and nobody says so"
        told = returned.told[key]
        there = (table, told["live"]) in returned.after.rows
        assert there or (table in NAMED and told["sentence"]), told


def test_each_record_ends_as_planned_or_the_result_says_why_not(returned: Return) -> None:
    """A plan of 98 created and 28 by the system ended with 100 and 26, and nobody said why."""
    ended = {"create": "created", "undelete": "undeleted", "update": "updated", "adopt": "adopted"}
    for key, (action, told) in returned.planned.items():
        if told["ending"] != ended.get(action, action):
            assert told["code"], (key, action, told)
            assert told["sentence"], (key, action, told)


def test_every_column_is_as_it_was_or_named(returned: Return) -> None:
    compared = 0
    for key, told in returned.told.items():
        if told["live"] is None or key not in returned.before.rows:
            continue
        named = {one["column"] for one in told["differences"]}
        unnamed = returned.different(key) - named
        only_linked = told["ending"] in ("updated", "unchanged")
        assert unnamed <= (STAMPS if only_linked else set()), (key, unnamed)
        compared += 1
    assert compared > 90


def test_what_differs_is_what_the_org_keeps_to_itself(returned: Return) -> None:
    """No value that people typed, and no reference, is among the differences."""
    own = {"Name", "LastName", "Email", "Phone", "Subject", "Description", "Amount", "StageName"}
    for key, told in returned.told.items():
        if told["live"] is not None and key in returned.before.rows:
            assert not own & returned.different(key), key


def test_nothing_else_in_the_org_changed(returned: Return) -> None:
    for key in returned.before.rows.keys() - returned.lost - returned.told.keys():
        if not key[0].endswith(LOGS):
            assert returned.different(key) <= STAMPS, (key, returned.different(key))


def test_nothing_is_there_twice(returned: Return) -> None:
    """What is new stands for what was lost, each for another."""
    new = {key for key in returned.after.rows if key not in returned.before.rows}
    stands = {(table, one["live"]) for (table, _), one in returned.told.items()}
    extra = {key for key in new - stands if not key[0].endswith(LOGS)}
    assert not extra
    lives = [(table, one["live"]) for (table, _), one in returned.told.items() if one["live"]]
    assert len(set(lives)) == len(lives)


def test_files_are_byte_for_byte_what_they_were(returned: Return) -> None:
    files = {key: one for key, one in returned.told.items() if key[0] in BYTES and one["live"]}
    assert {table for table, _ in files} == set(BYTES)
    for (table, record), one in files.items():
        assert returned.after.bytes[table, one["live"]] == returned.before.bytes[table, record]


def test_versions_of_a_file_keep_their_document_and_their_order(returned: Return) -> None:
    told = [key for key in returned.told if key[0] == "ContentVersion"]
    numbers = {}
    for key in told:
        was = returned.before.rows[key]
        now = returned.after.rows["ContentVersion", returned.lives[key[1]]]
        assert now["ContentDocumentId"] == returned.mapped(was["ContentDocumentId"])
        assert now["VersionNumber"] == was["VersionNumber"]
        numbers.setdefault(now["ContentDocumentId"], []).append(now["VersionNumber"])
    assert any(len(one) > 1 for one in numbers.values())


def test_mails_keep_thread_people_and_attachments(returned: Return) -> None:
    mails = [key for key in returned.told if key[0] == "EmailMessage" and key in returned.gone]
    kept = (
        "ThreadIdentifier", "MessageIdentifier", "ReplyToEmailMessageId", "FromAddress", "FromId",
        "FromName", "ToAddress", "CcAddress", "BccAddress", "MessageDate", "Headers", "HtmlBody",
        "TextBody", "Incoming", "Status", "ParentId", "HasAttachment",
    )  # fmt: skip
    for key in mails:
        assert not returned.different(key) & set(kept), key
    relation = ("EmailMessageId", "RelationId", "RelationType", "RelationAddress")
    assert people(returned.before, {r for _, r in mails}, relation, returned) == people(
        returned.after, {returned.lives[r] for _, r in mails}, relation, returned
    )


def people(
    picture: Picture, mails: set[str], columns: tuple[str, ...], returned: Return
) -> set[tuple[Any, ...]]:
    rows = [row for (table, _), row in picture.rows.items() if table == "EmailMessageRelation"]
    return {
        tuple(returned.mapped(row[name]) for name in columns)
        for row in rows
        if row["EmailMessageId"] in mails
    }


def test_what_left_the_bin_keeps_its_id(returned: Return, request: pytest.FixtureRequest) -> None:
    undeleted = [key for key, one in returned.told.items() if one["ending"] == "undeleted"]
    from_bin = "from the bin" in request.node.name
    assert bool(undeleted) == from_bin
    assert all(returned.told[key]["live"] == key[1] for key in undeleted)
