"""unlost archive: what people read of policies and previews."""

import json
from pathlib import Path

import pytest

from terminals import Terminal
from unlost.cli.exits import ExitCode
from unlost.model.source.quota import Quota
from unlost.model.source.schema import Reference, WireKind


@pytest.fixture
def desk(sales: Terminal) -> Terminal:
    """Two closed cases, of which one has an open task, and their backup."""
    org = sales.world.org
    org.add_table("Case", {"Closed": WireKind.TEXT})
    org.add_table(
        "Task",
        {"CaseId": WireKind.REFERENCE, "ParentId": WireKind.REFERENCE},
        references={"CaseId": Reference(("Case",)), "ParentId": Reference(("Case",))},
    )
    first, second = (org.create("Case", {"Closed": "true"}) for _ in range(2))
    org.create("Task", {"CaseId": first})
    org.create("Task", {"ParentId": second})
    sales.world.connector.source("one").quota = (Quota("data storage", 4096.0, 8192.0, "bytes"),)
    assert sales("backup", "sales").code == ExitCode.OK
    return sales


def policy(tmp_path: Path, **fields: object) -> str:
    """The path of a policy file for closed cases."""
    closed = {"column": "Closed", "comparison": "is", "values": ["true"]}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"name": "mine", "table": "Case", "conditions": [closed]} | fields))
    return str(file)


def test_policies_are_listed(desk: Terminal) -> None:
    assert (
        desk("archive", "policies", "sales").out == "closed-case\n  select Case with Closed true\n"
    )
    (ready,) = desk("archive", "policies", "sales", "--json").json["policies"]
    assert ready["name"] == "closed-case"


def test_an_org_that_no_policy_suits(sales: Terminal) -> None:
    assert sales("backup", "sales").code == ExitCode.OK
    assert sales("archive", "policies", "sales").out == "No ready-made policy suits this org.\n"


def test_a_preview_says_what_goes_and_what_it_frees(desk: Terminal) -> None:
    out = desk("archive", "preview", "sales", "closed-case").out
    assert out.startswith("closed-case selects 2 records of Case in backup 1 of 2026-")
    assert "2 of them can leave the org, with all that belongs to them:\n" in out
    assert "This frees 2.0 kB of data storage, 25.0% of its limit.\n" in out
    assert "1 record of Task would stay and lose CaseId.\n" in out


def test_a_preview_says_why_records_stay(desk: Terminal, tmp_path: Path) -> None:
    stop = {"table": "Task", "column": "CaseId", "rule": "stop"}
    out = desk("archive", "preview", "sales", "--policy", policy(tmp_path, branches=[stop])).out
    assert "1 of them can leave the org" in out
    assert "1 record must stay, because a branch of the policy stops at Task.CaseId (Cas" in out


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"comparison": "older", "days": 1}, "Day older than 1 day"),
        ({"comparison": "larger", "number": 1000}, "Day above 1,000"),
        ({"comparison": "empty"}, "Day empty"),
        ({"comparison": "filled"}, "Day filled"),
        ({"comparison": "is-not", "values": ["a", "b"]}, "Day not a or b"),
    ],
)
def test_conditions_in_words(test: dict[str, object], words: str) -> None:
    from unlost.cli.verbs.archive.archive import _words
    from unlost.model.archive import Condition
    from unlost.model.decoders import decoder_for

    assert _words(decoder_for(Condition).convert({"column": "Day"} | test)) == words


def test_a_policy_is_named_once(desk: Terminal, tmp_path: Path) -> None:
    file = policy(tmp_path)
    for words in ((), ("closed-case", "--policy", file)):
        ended = desk("archive", "preview", "sales", *words, "--json")
        assert ended.failure["code"] == "archive-policy-unclear"
    ended = desk("archive", "preview", "sales", "none", "--json")
    assert ended.failure["code"] == "archive-policy-unknown"
