"""New archive policies in the console: built for a table, or from a copy, then previewed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on
from unit.web.test_archives import filled_desk, page
from unlost.app.actions.archive.policy_choices import policy_choices, policy_values
from unlost.app.archive.policy_file import policy_text, read_policy
from unlost.catalog.orgs.archive_policies import find_saved_policy
from unlost.model.access import Role
from unlost.model.archive import ArchiveBranch, ArchivePolicy, BranchRule, Comparison, Condition
from unlost.model.source.schema import DeleteRule

NEW = "/orgs/sales/archive-policies/"
BUILT = "/orgs/sales/archive-policies/old/"
TYPED = {
    "name": "old", "unchanged_days": "0", "daily_limit": "500", "days": ["mon"], "seen": "new",
    "condition-rows": "2", "condition-0-column": "Closed", "condition-0-comparison": "is",
    "condition-0-value": "true", "condition-1-column": "Name", "condition-1-comparison": "starts",
    "condition-1-value": "Case",
}  # fmt: skip
POLICY = ArchivePolicy(
    "old",
    "Case",
    (
        Condition("Closed", Comparison.IS, ("true",)),
        Condition("Name", Comparison.STARTS, ("Case",)),
    ),
)

filling = scene(filled_desk)


@pytest.fixture
def desk(world: World, filling: Lead) -> Iterator[World]:
    """Three cases with a note each; the first two are closed."""
    with goes_on(world, filling):
        yield world


def test_a_policy_is_built_in_the_console_and_previewed(
    desk: World, sign_in: SignIn, tmp_path: Path
) -> None:
    client = sign_in(Role.RESTORER)
    assert f'href="{NEW}"' in page(client, "/orgs/sales/storage/?show=archive")
    start = page(client, NEW)
    assert "(Case)" in start
    assert "?from=closed-case" in start
    assert client.get(f"{NEW}?table=Nothing").status_code == 400
    shown = page(client, f"{NEW}?table=Case")
    assert "Note: Case (Note.Case)" in shown
    answer = client.post(f"{NEW}?table=Case", TYPED | {"branch-Note.Case": "take"})
    assert answer["Location"] == f"{BUILT}?show=preview"
    saved = find_saved_policy("sales", "old")
    assert saved is not None
    assert saved.policy.conditions == POLICY.conditions
    assert saved.policy.branches == (ArchiveBranch("Note", "Case", BranchRule.TAKE),)
    shown = page(client, f"{BUILT}?show=preview")
    assert "2 of 2 records could leave the org." in shown
    (text,) = re.findall(r"<pre[^>]*>(.*?)</pre>", shown, re.DOTALL)
    file = tmp_path / "old.json"
    file.write_text(text.replace("&quot;", '"'), "utf-8")
    assert read_policy(file) == saved.policy


def test_wrong_input_for_a_new_policy_is_named_and_loses_nothing(
    desk: World, sign_in: SignIn
) -> None:
    client = sign_in(Role.RESTORER)
    for typed, words in (
        ({"name": "closed-case"}, "There is already a policy of this name."),
        ({"name": "a/b"}, "must have 1 to 120 characters"),
        ({"condition-0-value": ""}, "Enter at least one value."),
        ({"condition-rows": "0"}, "has no condition, so that it matches every record of Case"),
    ):
        answer = client.post(f"{NEW}?table=Case", TYPED | typed | {"daily_limit": "77"})
        assert answer.status_code == 400
        shown = answer.content.decode()
        assert words in shown
        assert 'name="daily_limit" value="77"' in shown
    draft = client.post(f"{NEW}?table=Case", TYPED | {"add": "condition", "name": ""})
    assert draft.status_code == 200
    assert "condition-2-column" in draft.content.decode()
    assert find_saved_policy("sales", "old") is None


def test_a_copy_of_a_ready_made_policy_is_changed(desk: World, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    shown = page(client, "/orgs/sales/archive-policies/closed-case/")
    assert 'href="/orgs/sales/archive-policies/?from=closed-case"' in shown
    copy = f"{NEW}?from=closed-case"
    assert re.search(r'name="condition-0-value"[^>]*>\s*true<', page(client, copy))
    assert client.get(f"{NEW}?from=nothing").status_code == 404
    answer = client.post(copy, TYPED | {"condition-0-value": "false"})
    assert answer["Location"] == f"{BUILT}?show=preview"
    saved = find_saved_policy("sales", "old")
    assert saved is not None
    assert saved.policy.conditions[0].values == ("false",)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.AUDITOR])
def test_only_people_who_may_restore_build_policies(
    desk: World, sign_in: SignIn, role: Role
) -> None:
    client = sign_in(role)
    assert client.get(NEW).status_code == 403
    assert client.get(f"{NEW}?table=Case").status_code == 403
    assert client.post(f"{NEW}?table=Case", TYPED).status_code == 403
    assert find_saved_policy("sales", "old") is None
    if role is Role.VIEWER:
        assert "New policy" not in page(client, "/orgs/sales/storage/?show=archive")


def test_the_choices_are_those_of_the_newest_backup(desk: World) -> None:
    choices = policy_choices(desk.app, "sales", POLICY)
    assert {"Case", "Note"} <= {table.name for table in choices.tables}
    columns = {column.name: column for column in choices.columns_of("Case")}
    assert columns["Name"].comparisons == (
        Comparison.IS, Comparison.IS_NOT, Comparison.EMPTY, Comparison.FILLED, Comparison.STARTS,
    )  # fmt: skip
    (note,) = choices.references
    assert (note.table, note.column, note.effect) == ("Note", "Case", DeleteRule.CASCADE)
    assert policy_choices(desk.app, "sales", ArchivePolicy("", "Lost")).columns == ()
    names = [choice.label for choice in policy_values(desk.app, "sales", "Note", "Case").choices]
    assert names == ["Case 0", "Case 1", "Case 2"]
    for table, column in (("Lost", "Case"), ("Note", "Lost"), ("Note", "Name")):
        assert policy_values(desk.app, "sales", table, column).choices == ()


def test_the_file_of_a_policy_has_no_usual_values() -> None:
    assert json.loads(policy_text(POLICY)) == {
        "name": "old",
        "table": "Case",
        "conditions": [
            {"column": "Closed", "comparison": "is", "values": ["true"]},
            {"column": "Name", "comparison": "starts", "values": ["Case"]},
        ],
    }
