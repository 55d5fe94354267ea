"""Searched columns of an org: chosen and taken back on one page."""

from django.test import Client

from homes import SECRET, World
from unit.web.conftest import SignIn
from unit.web.doors import clean, few_queries, text
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.searched_columns import chosen
from unlost.model.access import Role
from unlost.testing.org import MemoryOrg

PAGE = "/orgs/sales/searched/"
COLUMN = {"column": "Account.Number"}


def test_a_column_is_chosen_and_taken_back(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    assert "No further columns are searched" in text(admin.get(PAGE))
    page = text(admin.get(f"{PAGE}?table=Account"))
    assert "always searched" in page
    assert "Search Number" in page
    answer = admin.post(f"{PAGE}add/", COLUMN, follow=True)
    clean(answer)
    assert chosen(world.app, "sales").columns == ("Account.Number",)
    assert "Stop searching Account.Number" in text(answer)
    assert "Search Number" not in text(answer)
    answer = admin.post(f"{PAGE}remove/", COLUMN, follow=True)
    assert chosen(world.app, "sales").columns == ()
    assert "Search Number" in text(answer)


def test_an_unknown_column_is_refused(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    assert admin.post(f"{PAGE}add/", {"column": "nonsense"}).status_code == 400
    assert admin.post(f"{PAGE}remove/", COLUMN).status_code == 404
    assert admin.get(f"{PAGE}?table=Nope").status_code == 404


def test_an_org_without_a_backup(world: World, sign_in: SignIn) -> None:
    world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="two")
    add_org(world.app, NewOrg("memory", "service", {"address": "two"}, {"password": SECRET}))
    assert "There is no backup yet" in text(sign_in().get("/orgs/service/searched/"))


def test_only_admins_see_the_page(world: World, sign_in: SignIn) -> None:
    operator: Client = sign_in(Role.OPERATOR)
    assert operator.get(PAGE).status_code == 403
    assert operator.post(f"{PAGE}add/", COLUMN).status_code == 403
    assert "Searched columns" not in text(operator.get("/orgs/sales/"))
    assert "Searched columns" in text(sign_in().get("/orgs/sales/"))


def test_the_page_asks_few_questions(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    admin.get("/")
    with few_queries():
        admin.get(f"{PAGE}?table=Account")
