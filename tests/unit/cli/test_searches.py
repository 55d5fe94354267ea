"""unlost searches: save, list, open and remove."""

from homes import SECRET
from terminals import Terminal
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.cli.exits import ExitCode


def test_a_search_is_saved_listed_opened_and_removed(unlost: Terminal) -> None:
    world = unlost.world
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    assert unlost("backup", "sales").code == ExitCode.OK
    assert "unlost searches save NAME TEXT" in unlost("searches", "list").out
    saved = unlost("searches", "save", "my chocolate", "schoko", "--state", "live", "--former")
    assert saved.code == ExitCode.OK
    assert "unlost searches open 'my chocolate'" in saved.out
    listed = unlost("searches", "list").out
    assert "my chocolate: unlost find schoko --state live --former" in listed
    assert "Schoko Zürich" in unlost("searches", "open", "my chocolate").out
    (search,) = unlost("searches", "list", "--json").json["searches"]
    assert search["query"]["text"] == "schoko"
    assert "Removed my chocolate." in unlost("searches", "remove", "my chocolate").out
    assert unlost("searches", "open", "my chocolate").code != ExitCode.OK


def test_history_shows_a_column_or_the_newest_events(unlost: Terminal) -> None:
    world = unlost.world
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    for phone in ("+41 1", "+41 2"):
        assert unlost("backup", "sales").code == ExitCode.OK
        world.clock.advance(days=1)
        world.org.update("Account", "A40017", {"Phone": phone, "Name": f"Name {phone}"})
    assert unlost("backup", "sales").code == ExitCode.OK
    told = unlost("history", "sales", "Account/A40017", "--column", "Phone").out
    assert "Phone" in told
    assert "Name:" not in told
    newest = unlost("history", "sales", "Account/A40017", "--newest", "1").out
    assert "The newest 1 event of 3." in newest
    assert "No events match." in unlost("history", "sales", "Account/A40017", "--user", "x").out
