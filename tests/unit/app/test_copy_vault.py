"""A second copy of a home's vault: a home can be made from it, and it lies apart."""

from pathlib import Path

import pytest

from unlost.app.actions.vault.copy_vault import copy
from unlost.app.actions.vault.init import InitRequest, adopt_vault, init
from unlost.app.compose import open_application
from unlost.app.vault.mirror import check_apart
from unlost.model.errors import UsageError
from unlost.model.org import OrgIdentity
from unlost.vault.stores.address import BucketOptions, StoreAddress, read_address


def test_a_home_is_made_from_a_copy(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet"
    init(InitRequest(tmp_path / "home", recovery_out=sheet), confirm=lambda _: None)
    second = StoreAddress(tmp_path / "second")
    with open_application(tmp_path / "home") as app:
        oid = app.vault.ensure_org(OrgIdentity("memory", "T1"))
        first = copy(app, second)
        again = copy(app, second)
        with pytest.raises(UsageError) as caught:
            copy(app, StoreAddress(tmp_path / "home" / "vault" / "in"))
    assert caught.value.code == "copy-same-place"
    assert first.objects > 2
    assert (again.objects, again.there) == (0, first.objects)
    adopt_vault(InitRequest(tmp_path / "new", vault=second), sheet=sheet.read_text())
    with open_application(tmp_path / "new") as app:
        assert list(app.vault.orgs()) == [oid]


@pytest.mark.parametrize(
    ("own", "other", "apart"),
    [
        ("vault", "vault", False),
        ("vault", "vault/copy", False),
        ("vault/copy", "vault", False),
        ("vault", "vault-2", True),
        ("vault", "s3://box/a", True),
        ("s3://box/a", "s3://box/a", False),
        ("s3://box/a", "s3://box", False),
        ("s3://box/a", "s3://box/ab", True),
        ("s3://box/a", "s3://other/a", True),
        ("s3://box/a", "az://box/a", True),
    ],
)
def test_places_that_are_not_apart_are_refused(
    tmp_path: Path, own: str, other: str, apart: bool
) -> None:
    places = [read_address(one, base=tmp_path) for one in (own, other)]
    if apart:
        check_apart(*places)
        return
    with pytest.raises(UsageError) as caught:
        check_apart(*places)
    assert caught.value.code == "copy-same-place"


def test_one_bucket_of_two_servers_is_two_places(tmp_path: Path) -> None:
    here, there = (
        read_address("s3://box/a", reach=BucketOptions(endpoint=f"http://{one}"), base=tmp_path)
        for one in ("a", "b")
    )
    check_apart(here, there)
