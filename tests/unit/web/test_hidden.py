"""Settings, hidden columns, org by org."""

from django.test import Client

from homes import SECRET, World
from unit.web.conftest import SignIn
from unit.web.doors import clean, few_queries, text
from unlost.app.actions.orgs.hidden_columns import hidden
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.model.access import Role
from unlost.testing.org import MemoryOrg

PHONE = {"column": "Account.Phone"}


def test_a_column_is_hidden_and_shown_again(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    page = text(admin.get("/settings/hidden/?org=sales&table=Account"))
    assert "No column is hidden" in page
    assert "Hide Phone" in page
    answer = admin.post("/settings/hidden/sales/hide/", PHONE, follow=True)
    clean(answer)
    assert hidden(world.app, "sales").columns == ("Account.Phone",)
    assert "Show Account.Phone again" in text(answer)
    assert "Hide Phone" not in text(answer)  # the table stays chosen
    assert "Hide Name" in text(answer)
    record = next(iter(world.org.tables["Account"].records))
    viewer = sign_in(Role.VIEWER)
    place = f"/orgs/sales/records/Account/{record}/fields/?all=1"
    assert "Phone" not in text(viewer.get(place))
    admin.post("/settings/hidden/sales/show/", PHONE)
    assert hidden(world.app, "sales").columns == ()
    assert "Phone" in text(viewer.get(place))


def test_what_names_no_column_comes_back_with_the_reason(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    for column, status, code in (
        ("nonsense", 400, "column-unreadable"),
        ("Account.Nope", 404, "column-unknown"),
    ):
        answer = admin.post("/settings/hidden/sales/hide/", {"column": column})
        assert answer.status_code == status
        assert code in text(answer)
        assert f'value="{column}"' in text(answer)
    assert admin.post("/settings/hidden/sales/show/", PHONE).status_code == 404
    assert admin.get("/settings/hidden/?org=sales&table=Nope").status_code == 404


def test_an_org_without_a_backup_has_nothing_to_hide(world: World, sign_in: SignIn) -> None:
    world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="two")
    add_org(world.app, NewOrg("memory", "service", {"address": "two"}, {"password": SECRET}))
    page = text(sign_in().get("/settings/hidden/?org=service"))
    assert "There is no backup yet" in page


def test_a_page_asks_few_questions(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    admin.get("/")
    with few_queries():
        admin.get("/settings/hidden/?org=sales&table=Account")


def test_it_is_for_admins_of_that_org(world: World, sign_in: SignIn) -> None:
    viewer = sign_in(Role.RESTORER)
    assert viewer.get("/settings/hidden/").status_code == 403
    assert viewer.get("/settings/hidden/?org=sales").status_code == 403
    assert viewer.post("/settings/hidden/sales/hide/", PHONE).status_code == 403
    assert "/settings/hidden/" not in text(viewer.get("/settings/"))
    assert hidden(world.app, "sales").columns == ()
    own = sign_in(Role.ADMIN, org="sales")
    assert own.post("/settings/hidden/sales/hide/", PHONE).status_code == 302
    assert hidden(world.app, "sales").columns == ("Account.Phone",)


def test_a_foreign_org_is_not_there(world: World, sign_in: SignIn) -> None:
    world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="two")
    add_org(world.app, NewOrg("memory", "service", {"address": "two"}, {"password": SECRET}))
    client: Client = sign_in(Role.ADMIN, org="service")
    assert client.get("/settings/hidden/?org=sales").status_code == 404
    assert client.post("/settings/hidden/sales/hide/", PHONE).status_code == 404
    assert "sales" not in text(client.get("/settings/hidden/"))
