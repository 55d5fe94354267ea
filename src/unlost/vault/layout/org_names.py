"""The places of the identities of orgs: under ``names/``, each by the oid of its org.

An identity that was sealed anew has another name that begins with the oid; the earlier object is
then removed.
"""

import re

from unlost.model.vault.store import Store
from unlost.vault.layout import object_names

_NAME = re.compile(r"[0-9a-f]{32}(?:\.[0-9a-f]+)?")


def named_orgs(store: Store) -> list[str]:
    """The oids of all orgs that have an identity, each once."""
    root = object_names.identities()
    names = (listed.name.removeprefix(root) for listed in store.list(root))
    return sorted({object_names.stem(name) for name in names if _NAME.fullmatch(name)})


def identity_names(store: Store, org: str) -> list[str]:
    """The objects with an org's identity, as listed; several only while it is sealed anew."""
    name = object_names.identity(org)
    return [
        listed_object.name
        for listed_object in store.list(name)
        if object_names.stem(listed_object.name) == name
    ]


def identity_name(store: Store, org: str) -> str:
    """The newest object with the identity of an org; if there is none, its default name."""
    name = object_names.identity(org)
    if store.size(name) is not None:
        return name
    return next(iter(identity_names(store, org)), name)


def is_named(store: Store, org: str) -> bool:
    """True if an org has an identity."""
    return store.size(object_names.identity(org)) is not None or bool(identity_names(store, org))
