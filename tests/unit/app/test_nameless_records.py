"""Records whose table has no name, such as comments, are known by the first words of their text."""

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop, open_shop
from unlost.app.actions.records.compare import compare
from unlost.app.actions.records.find import find
from unlost.app.actions.records.history import history
from unlost.app.actions.records.losses import loss_detail, losses
from unlost.app.actions.records.lost import lost
from unlost.app.actions.records.record_list import record_list
from unlost.app.actions.records.show import show
from unlost.app.compose import Application
from unlost.app.records.excerpt import LONGEST, excerpt
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.catalog.orgs.hidden_columns import hide_column
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.source.schema import DeleteRule, Reference, WireKind

BODY = "<p>The <b>parcel</b> of 3&nbsp;May&#8217;s order\narrived damaged</p>"
WORDS = "The parcel of 3 May’s order arrived damaged"


def open_remarks(world: World) -> Shop:
    """A customer with a comment, of which the second backup found the loss."""
    shop = open_shop(world)
    shop.org.add_table(
        "Remark",
        {"Comment": WireKind.TEXT, "Account": WireKind.REFERENCE},
        references={"Account": Reference(("Account",), DeleteRule.SET_NULL)},
    )
    remark = shop.org.create("Remark", {"Comment": BODY, "Account": CUSTOMER})
    shop.org.create("Remark", {"Comment": "Another", "Account": CUSTOMER})
    shop.night()
    shop.platform.delete("Remark", remark, by="U1")
    shop.night()
    return shop


opened = scene(open_remarks)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    return made


def names(app: Application) -> list[str]:
    """The names of the deleted comment on all pages that list it."""
    (loss,) = losses(app).losses
    (first,) = lost(app, "sales").records
    of_backup = ListQuery(ListKind.CHANGED, "Remark", older="2", newer="3")
    (listed,) = record_list(app, "sales", of_backup).records
    shown = compare(app, "sales", "2", "3", table="Remark").rows
    page = show(app, "sales", "Account", CUSTOMER, at="2")
    assert page.related is not None
    (remarks,) = (table for table in page.related.tables if table.table == "Remark")
    related = next(each for each in remarks.first if each.record == first.record)
    return [
        loss.name,
        *(each.name for each in loss_detail(app, "sales", loss.loss).records),
        first.name,
        listed.name,
        *(each.name for each in shown),
        show(app, "sales", "Remark", first.record, at="latest").name,
        history(app, "sales", "Remark", first.record).name,
        related.name,
        *(hit.name for hit in find(app, first.record).hits),
    ]


def test_lists_of_deleted_comments_showed_only_an_id(shop: Shop) -> None:
    shown = names(shop.app)
    assert len(shown) == 9
    assert set(shown) == {WORDS}


def test_a_hidden_text_names_no_record(shop: Shop) -> None:
    hide_column(get_org("sales").oid, "Remark", "Comment")
    grant = Grant(Role.VIEWER, shop.oid)
    viewer = shop.app.acting(Actor(ActorKind.PERSON, "vera", (grant,)))
    assert not any("parcel" in name for name in names(viewer))
    assert WORDS in names(shop.app)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (" two\r\n words\t", "two words"),
        ("a < b and c > d", "a < b and c > d"),
        ("<style>p {}</style><p>Hello</p><!-- no --><p>again &amp; again", "Hello again & again"),
        ("word " * 30, "word " * 15 + "word…"),
        ("x" * 200, "x" * (LONGEST - 1) + "…"),
        ("x" * LONGEST, "x" * LONGEST),
        ("<p>" + "y" * 5_000 + "<b>", "y" * (LONGEST - 1) + "…"),
    ],
)
def test_a_text_is_cut_to_its_first_words(text: str, words: str) -> None:
    assert excerpt(text) == words
    assert len(excerpt(text)) <= LONGEST
