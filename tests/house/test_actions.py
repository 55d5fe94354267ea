"""Whatever takes an application and is called by the command line or the console is an action."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2] / "src" / "unlost"
# Called by actions, by the service, or by each other: they act for nobody.
INSIDE = {
    "archive_night": {"do_archive"},
    "alerts": {"watch", "deliver", "beat", "heads", "send_digest"},
    "backup": {"clear_command", "cancel_unfinished"},
    "compact": {"compact_after_backup"},
    "edit_plan": {"people_of"},
    "erase": {"apply_erasure"},
    "forget": {"forget_if_due"},
    "hour": {"do_hour", "why_not"},
    "kept_plan": {"read_stored_plan", "plan_lines"},
    "mirror": {"update_mirror_job"},
    "night": {"do_night"},
    "overview": {"states_of"},
    "plan_groups": {"groups_of"},
    "queued_restore": {"ask_for", "restore_jobs", "do_restore", "hand_over_plan"},
    "repair": {"heal_vault", "verify_mirror_part"},
    "restore_plan": {
        "load_plan",
        "org_of",
        "new_plan_id",
        "planned",
        "store_request",
        "store_plan",
        "store_for_approval",
    },
    "restore_run": {"announce_plan", "journal_of", "plan_retry"},
    "purge": {"purge_of_loop"},
    "put_back": {"value_before"},
    "watch": {"period_of"},
    "schedule": {"hourly_tables"},
    "storage_use": {"created_branch", "loops", "loops_with_created", "storage_use"},
    "due_jobs": {"enqueue_due_jobs"},
}


def takes_application(function: ast.FunctionDef) -> bool:
    first = function.args.args[:1]
    return bool(first) and ast.unparse(first[0].annotation or ast.Constant("")) == "Application"


def unmarked(file: Path) -> set[str]:
    """Public functions over an application that nothing lets in."""
    tree = ast.parse(file.read_text("utf-8"))
    return {
        one.name
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
        and not one.name.startswith("_")
        and takes_application(one)
        and not any("action(" in ast.unparse(mark) for mark in one.decorator_list)
    }


def test_what_people_can_do_is_let_in_at_one_place() -> None:
    files = sorted((ROOT / "app" / "actions").rglob("*.py"))
    found = {file.stem: names for file in files if (names := unmarked(file))}
    assert found == INSIDE


def test_pages_and_verbs_call_nothing_that_lets_nobody_in() -> None:
    inside = {name for names in INSIDE.values() for name in names}
    for room in ("cli", "web"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                    "unlost.app.actions"
                ):
                    called = {alias.name for alias in node.names} & inside
                    assert not called, f"{file.name}: {called}"
