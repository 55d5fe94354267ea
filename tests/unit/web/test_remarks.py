"""The page of a record shows what people wrote about it."""

import pytest

from homes import World
from unit.app.remarks import with_remarks, write
from unit.web.conftest import SignIn
from unit.web.test_find import shown
from unlost.app.actions.backups.backup import backup


@pytest.fixture
def desk(world: World) -> World:
    with_remarks(world)
    return world


def test_a_remark_has_its_kind_its_author_and_its_whole_text(desk: World, sign_in: SignIn) -> None:
    page = sign_in().get("/orgs/sales/records/Account/A40017/").content.decode()
    assert "Work note by Ada Admin" in shown(page)
    assert '<blockquote class="remark" dir="auto">Thank you!<br>Ben</blockquote>' in page


def test_a_remark_is_shown_as_text(desk: World, sign_in: SignIn) -> None:
    write(desk, "J7", "notes", "<script>alert(1)</script>", by="U1")
    backup(desk.app, "sales")
    page = sign_in().get("/orgs/sales/records/Account/A40017/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</blockquote>" in page
    assert "<script>alert" not in page
