"""No page asks the database more than a dozen times, however it is reached and whoever asks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from homes import World
from unit.web.conftest import SignIn
from unit.web.test_let_in import OPEN, address, ours
from unlost.app.actions.people.people import add
from unlost.app.actions.restores.restore_run import runs
from unlost.model.access import Role

MOST = 12


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_no_page_asks_the_database_more_than_a_dozen_times(
    world: World, sign_in: SignIn, role: Role
) -> None:
    add(world.app, "ada", role=Role.ADMIN)
    client, run = sign_in(role), runs(world.app).runs[0].run
    client.get("/")  # notes in which browser somebody is signed in
    asked: dict[str, list[str]] = {}
    for name, parts in ours():
        if name in OPEN:
            continue
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(address(name, parts, org="sales", run=run))
        if answer.status_code == 200:
            asked[name] = [query["sql"] for query in seen.captured_queries]
    assert len(asked) >= (30 if role is Role.ADMIN else 15)
    wrong = {name: len(told) for name, told in asked.items() if len(told) > MOST}
    assert not wrong, "\n".join(query for name in list(wrong)[:2] for query in asked[name])
