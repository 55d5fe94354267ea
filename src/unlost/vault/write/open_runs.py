"""The runs of an org that are open: what a stranger put among their intents is none."""

from collections.abc import Iterator

from unlost.model.errors import IntegrityError, UnlostError
from unlost.vault.format.manifest import RunIntent, unpack
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault


def open_runs(org_vault: OrgVault) -> Iterator[RunIntent]:
    """Iterate over the intents of all runs that are open."""
    folder = object_names.intents(org_vault.org)
    names = {listed.name for listed in org_vault.sealed.store.list(folder)}
    for name in sorted(names):
        # Names with a dot are objects beside an intent. ``OVER`` marks an ended run in a store that
        # forbids deleting.
        run = name.removeprefix(folder)
        if object_names.is_run(run) and name + object_names.OVER not in names:
            intent = _intent(org_vault, name)
            if intent is not None:
                yield intent


def _intent(org_vault: OrgVault, name: str) -> RunIntent | None:
    """Read an intent; None if its run has ended meanwhile, or if it is not the intent of a run.

    One that does not open is of an older process, under a key that is gone, or others put it there.
    Its run cannot be continued; if it commits all the same, nothing that it needs is removed.
    """
    try:
        content = org_vault.sealed.get(ObjectKind.INTENT, org=org_vault.org, name=name)
        intent = unpack(content, RunIntent, name=name)[0]
    except IntegrityError:
        return None
    except UnlostError:
        if org_vault.sealed.store.size(name) is None:
            return None
        raise
    return intent if object_names.intent(org_vault.org, intent.run) == name else None
