"""Search for journals that are damaged for good.

The entries of a journal prove each other by their hashes, so that a damaged journal is given up as
a whole. As with other objects, an entry that cannot be read at the moment is not lost, and damage
must look the same twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from unlost.model.errors import IntegrityError, NotFound, StoreError, UsageError
from unlost.model.vault.snapshot import Damage, VerifyLevel
from unlost.vault.commits.state import LiveState
from unlost.vault.layout import object_names
from unlost.vault.maintenance.salvage.proving import StoredDigest, stored_digest
from unlost.vault.maintenance.verify.journals import JournalVerifier
from unlost.vault.maintenance.verify.scope import VerifyScope
from unlost.vault.maintenance.verify.verify_result import MISSING, VerifyFindings
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.cached import without_cache
from unlost.vault.stores.unread import device_failed, unsteady
from unlost.vault.write.dropped_journals import dropped_journals
from unlost.vault.write.journal import entry_counts

# A lost key may be found again, so that its objects are not damaged.
_NEVER = frozenset({"org-key-lost"})
_READ_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class BrokenJournals:
    """Runs whose journals are given up, and their damaged ``objects``.

    ``other_damages``: damage that does not affect a journal itself, which is an object behind its
    end, or one that may have a newer format.
    """

    runs: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    other_damages: tuple[Damage, ...] = ()


def broken_journals(
    org_vault: OrgVault, state: LiveState, listing: Mapping[str, int]
) -> BrokenJournals:
    """Verify all journals of an org; ``listing``: sizes of its objects by name.

    Raises StoreError if the store cannot read an entry at the moment, or returns other bytes the
    second time.
    """
    first = _proved(org_vault, state, listing)
    if not first.damages():
        return BrokenJournals()
    names = [damage.object for damage in first.damages()]
    before = dict(_stored_digests(org_vault, names))
    again = _proved(org_vault, state, _listing(org_vault))
    if first.damages() != again.damages() or before != dict(_stored_digests(org_vault, names)):
        raise unsteady(names[0])
    return _broken_journals(org_vault, state, first)


def _broken_journals(org_vault: OrgVault, state: LiveState, proving: "_Proving") -> BrokenJournals:
    runs: set[str] = set()
    objects: list[str] = []
    damages: list[Damage] = []
    for damage in proving.damages():
        run, number = _entry_of(org_vault.org, damage.object)
        proof = state.journals.get(run)
        if damage.object in proving.unsure or (proof is not None and number >= proof.entries):
            damages.append(damage)
        else:
            runs.add(run)
            objects.append(damage.object)
    return BrokenJournals(tuple(sorted(runs)), tuple(objects), tuple(damages))


def _entry_of(org: str, name: str) -> tuple[str, int]:
    """Return the run and the number of an entry."""
    ((run, (number,)),) = entry_counts([name], org=org).items()
    return run, number


def _listing(org_vault: OrgVault) -> Mapping[str, int]:
    store, folder = org_vault.sealed.store, object_names.journals(org_vault.org)
    return {listed_object.name: listed_object.size for listed_object in store.list(folder)}


def _proved(org_vault: OrgVault, state: LiveState, listing: Mapping[str, int]) -> "_Proving":
    proving = _Proving()
    verifier = JournalVerifier(
        org_vault.org, sealed=org_vault.sealed, listing=listing, findings=proving
    )
    over = dropped_journals(org_vault, state)
    verifier.check(state.journals, VerifyScope(VerifyLevel.FULL), over=over)
    return proving


def _stored_digests(
    org_vault: OrgVault, names: Iterable[str]
) -> Iterator[tuple[str, StoredDigest]]:
    """Read the objects stored under these names."""
    store = without_cache(org_vault.sealed.store)
    for name in names:
        there = name if store.size(name) is not None else org_vault.sealed.resealed(name)
        size = store.size(there) if there is not None else None
        yield name, stored_digest(store, there or name, size=size, piece=_READ_BYTES)


class _Proving(VerifyFindings):
    """Findings of damage only: a failing store stops the check, and a lost key is no damage."""

    def __init__(self) -> None:
        super().__init__()
        self.unsure: set[str] = set()

    def attempt[T](self, name: str, call: Callable[[], T]) -> T | None:
        """Return the result of ``call``; None if the object is damaged, which is recorded."""
        try:
            return call()
        except NotFound:
            self.damage(name, MISSING)
        except StoreError as error:
            if not device_failed(error):
                raise
            self.damage(name, error.sentence)
        except UsageError as error:  # a newer format, or a wrong bit that looks like one
            self.unsure.add(name)
            self.damage(name, error.sentence)
        except IntegrityError as error:
            if error.code not in _NEVER:
                self.damage(name, error.sentence)
        return None
