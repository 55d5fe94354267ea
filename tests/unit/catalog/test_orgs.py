"""Orgs by name: a name never changes the tenant behind it, a tenant has one name."""

from dataclasses import replace

import pytest

from unlost.catalog.orgs.orgs import ProtectedOrg, find_org, get_org, list_orgs, save_org
from unlost.model.errors import Conflict, NotFound
from unlost.model.org import OrgIdentity, OrgKind
from unlost.testing.clock import START

SALES = ProtectedOrg(
    name="sales",
    oid="0" * 32,
    identity=OrgIdentity("salesforce", "00D1", OrgKind.PRODUCTION, "Sales", "Europe/Zurich"),
    added_at=START,
    config={"login_url": "https://one.example", "exclude": ["A", "B"], "page_rows": 10},
)
SHOP = ProtectedOrg("shop", "1" * 32, OrgIdentity("shopify", "shop-1"), START)


def test_an_org_comes_back_as_it_was_saved() -> None:
    save_org(SALES)
    assert find_org("sales") == SALES
    assert get_org("sales") == SALES


def test_orgs_are_listed_by_name() -> None:
    save_org(SHOP)
    save_org(SALES)
    assert list_orgs() == [SALES, SHOP]


def test_an_unknown_name_names_those_that_are_known() -> None:
    save_org(SALES)
    save_org(SHOP)
    with pytest.raises(NotFound, match="'sails'") as caught:
        get_org("sails")
    assert caught.value.code == "org-unknown"
    assert "sales, shop" in caught.value.next_step


def test_an_empty_home_says_how_to_add_an_org() -> None:
    with pytest.raises(NotFound) as caught:
        get_org("sales")
    assert "unlost org add" in caught.value.next_step


def test_saving_again_changes_label_and_settings_but_not_the_day() -> None:
    save_org(SALES)
    renamed = replace(SALES.identity, label="Sales Europe", zone="Europe/Paris")
    later = replace(SALES, identity=renamed, config={"login_url": "https://two.example"})
    save_org(replace(later, added_at=START.replace(year=2030)))
    assert get_org("sales") == later


def test_another_tenant_is_refused_behind_a_known_name() -> None:
    save_org(SALES)
    other = replace(SALES, oid="2" * 32, identity=replace(SALES.identity, tenant="00D2"))
    with pytest.raises(Conflict, match=r"00D1.*00D2") as caught:
        save_org(other)
    assert caught.value.code == "another-org"
    assert get_org("sales") == SALES


def test_a_tenant_gets_no_second_name() -> None:
    save_org(SALES)
    with pytest.raises(Conflict, match="'sales'") as caught:
        save_org(replace(SALES, name="sales-2", oid="3" * 32))
    assert caught.value.code == "org-already-protected"
    assert list_orgs() == [SALES]
