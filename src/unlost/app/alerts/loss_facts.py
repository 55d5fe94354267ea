"""Gather the open losses that alert rules judge, with the names that messages need."""

from datetime import datetime

from unlost.alerts.watched import OPEN_FOR, LossFacts
from unlost.app.compose import Application
from unlost.app.records.record_facts import UserNames
from unlost.catalog.losses import LossRecord, losses_with_others
from unlost.model.mass_changes import UserShare
from unlost.model.source.schema import Schema

MOST = 500  # losses; smaller ones are left out


def loss_facts(app: Application, oid: str, *, newest_as_of: datetime) -> tuple[LossFacts, ...]:
    """Return the losses of an org that took other records along, of a week up to a backup."""
    losses = losses_with_others(oid, since=newest_as_of - OPEN_FOR, most=MOST)
    newest = app.whole_vault.newest_backup(oid) if losses else None
    if newest is None:
        return ()
    schema, names = newest.schema(), UserNames(newest)
    return tuple(_facts(loss, schema, names) for loss in losses)


def _facts(loss: LossRecord, schema: Schema, names: UserNames) -> LossFacts:
    user = UserShare(
        loss.by, loss.roots, loss.first, loss.last, name=names.name(loss.table, loss.by)
    )
    return LossFacts(
        loss=loss.id,
        backup=loss.snapshot,
        as_of=loss.until,
        since=loss.after or loss.until,
        table=loss.table,
        label=_label(schema, loss.table, loss.roots),
        roots=loss.roots,
        more=loss.more,
        below=loss.below,
        user=user,
        open_counts={
            _label(schema, table, count): count for table, count in loss.open_counts.items()
        },
    )


def _label(schema: Schema, table: str, count: int) -> str:
    shape = schema.table(table)
    if shape is None:
        return table
    return (shape.plural if count != 1 else shape.label) or table
