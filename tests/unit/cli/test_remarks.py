"""unlost history shows what people wrote about a record."""

from terminals import Terminal
from unit.app.remarks import with_remarks, write
from unlost.app.actions.backups.backup import backup


def test_remarks_are_printed_with_kind_author_and_text(unlost: Terminal) -> None:
    with_remarks(unlost.world)
    told = unlost("history", "sales", "Account/A40017").out
    assert "Work note by Ada Admin\n    Called back.\n" in told
    assert "Comment by U2\n    Thank you!\n    Ben\n" in told


def test_a_remark_cannot_command_the_terminal(unlost: Terminal) -> None:
    with_remarks(unlost.world)
    write(unlost.world, "J8", "notes", "\x1b[2Jcleared", by="U1")
    backup(unlost.world.app, "sales")
    assert "\x1b" not in unlost("history", "sales", "Account/A40017").out
