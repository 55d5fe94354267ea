"""The hash of rights, which a backup compares with that of the one before."""

from unlost.kit.rights import rights_hash


def test_the_hash_changes_with_each_right_and_not_with_the_order_of_members() -> None:
    rights = {"roles": ["admin"], "flags": {"all": True, "files": False}}
    assert rights_hash(rights) == rights_hash(
        {"flags": {"files": False, "all": True}, "roles": ["admin"]}
    )
    others = [{**rights, "roles": []}, {**rights, "flags": {"all": True}}, ["admin"], None]
    assert len({rights_hash(each) for each in (rights, *others)}) == 5


def test_the_hash_of_stored_fingerprints_stays() -> None:
    assert rights_hash([["task", ["rows"]], "ä"]) == (
        "d8ac4bcc8ef9eb4301e6cd9dd8a8914ffd66297ed7a81f16cd324681f4ecfc86"
    )
