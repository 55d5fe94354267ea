"""Effects of a status: closed, won, a stage's probability; and orders created as drafts.

The lists of states are tables of the org (CaseStatus, TaskStatus, OpportunityStage, OrderStatus,
ContractStatus); an org without the table leaves the fields as they were sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.store.doomed import ACTIVATED
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext
from unlost_simulators.salesforce.writing.platform.prices import ACTIVATED_ORDER

DRAFT = "Draft"
NO_CONTRACT_STATUS = (
    "Choose a valid contract status and save your changes. Ask your admin for details."
)
"""Seen when a contract was inserted as Activated, and when an activated one was moved back."""
NO_ORDER_STATUS = "For a new order, choose Draft."
"""In the words of a tool that met it; the whole sentence was not quoted."""
NO_PRODUCTS = "An order must have at least one product."


def _settable(context: WriteContext, draft: Draft, values: Mapping[str, Any]) -> None:
    """Put values into the fields that the object has."""
    for name, value in values.items():
        if context.of.field(name) is not None:
            draft.cells[name] = value


def _states(context: WriteContext, table: str, fields: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows of a list of states by label and by API name."""
    of = context.org.schema.get(table)
    if of is None:
        return {}
    wanted = [name for name in ("MasterLabel", "ApiName", *fields) if of.field(name)]
    states = context.select(table, wanted, "TRUE")
    keys = [name for name in ("MasterLabel", "ApiName") if name in wanted]
    return {row[key]: row for row in states for key in keys if row[key] is not None}


class Cases(Effects):
    """IsClosed and ClosedDate follow the status."""

    reads = ("Status", "IsClosed")

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set the derived fields of new cases, which may be closed."""
        self._set_derived(rows, context)
        for draft in rows:
            if draft.cells.get("IsClosed") and context.of.field("IsClosedOnCreate"):
                draft.cells["IsClosedOnCreate"] = True

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Close or reopen cases whose status changes."""
        self._set_derived([draft for draft in rows if draft.changes("Status")], context)

    def _set_derived(self, rows: Sequence[Draft], context: WriteContext) -> None:
        states = _states(context, "CaseStatus", ["IsClosed"])
        for draft in rows:
            state = states.get(_status(context, draft))
            if state is None:
                continue
            was = bool(draft.before and draft.before.get("IsClosed"))
            closed = bool(state["IsClosed"])
            _settable(context, draft, {"IsClosed": closed})
            if closed != was:
                at = context.stamp if closed else None
                _settable(context, draft, {"ClosedDate": at})


def _status(context: WriteContext, draft: Draft, name: str = "Status") -> str:
    """The status that the row will have."""
    if name in draft.cells or draft.before is not None:
        return str(draft.value(name))
    field = context.of.field(name)
    return str(field.default) if field is not None else ""


class Tasks(Effects):
    """IsClosed, CompletedDateTime and IsHighPriority follow status and priority."""

    reads: tuple[str, ...] = ("Status", "Priority", "IsClosed")

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set the derived fields of new tasks, which may be completed."""
        self._set_derived(rows, context)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set the derived fields of changed tasks."""
        moved = [draft for draft in rows if draft.changes("Status") or draft.changes("Priority")]
        self._set_derived(moved, context)

    def _set_derived(self, rows: Sequence[Draft], context: WriteContext) -> None:
        states = _states(context, "TaskStatus", ["IsClosed"])
        priorities = _states(context, "TaskPriority", ["IsHighPriority"])
        for draft in rows:
            state = states.get(_status(context, draft))
            if state is not None:
                closed = bool(state["IsClosed"])
                _settable(context, draft, {"IsClosed": closed})
                if closed != bool(draft.before and draft.before.get("IsClosed")):
                    at = context.stamp if closed else None
                    _settable(context, draft, {"CompletedDateTime": at})
            priority = priorities.get(_status(context, draft, "Priority"))
            if priority is not None:
                _settable(context, draft, {"IsHighPriority": bool(priority["IsHighPriority"])})


class Opportunities(Effects):
    """Closed, won, forecast and probability follow the stage; expected revenue the amount."""

    reads = ("StageName", "Amount", "Probability", "CloseDate")

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set all derived fields of new opportunities."""
        self._stage(rows, context)
        self._figures(rows, context)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Apply the effects of a stage to opportunities whose stage changes."""
        self._stage([draft for draft in rows if draft.changes("StageName")], context)
        self._figures(rows, context)

    def _stage(self, rows: Sequence[Draft], context: WriteContext) -> None:
        fields = ["IsClosed", "IsWon", "DefaultProbability", "ForecastCategoryName"]
        stages = _states(context, "OpportunityStage", fields)
        for draft in rows:
            stage = stages.get(str(draft.value("StageName")))
            if stage is None:
                continue
            _settable(context, draft, {"IsClosed": stage["IsClosed"], "IsWon": stage["IsWon"]})
            if draft.cells.get("Probability") is None:
                _settable(context, draft, {"Probability": stage["DefaultProbability"]})
            category = draft.cells.get("ForecastCategoryName") or stage["ForecastCategoryName"]
            _settable(context, draft, {"ForecastCategoryName": category})
            if category is not None:
                short = str(category).replace(" ", "").replace("Commit", "Forecast")
                _settable(context, draft, {"ForecastCategory": short})

    def _figures(self, rows: Sequence[Draft], context: WriteContext) -> None:
        for draft in rows:
            amount, chance = draft.value("Amount"), draft.value("Probability")
            if amount is not None and chance is not None:
                expected = (Decimal(amount) * Decimal(chance) / 100).quantize(Decimal("0.01"))
                _settable(context, draft, {"ExpectedRevenue": expected})
            day = draft.cells.get("CloseDate")
            if day is not None:
                quarter = (day.month + 2) // 3
                fiscal = {"FiscalYear": day.year, "FiscalQuarter": quarter}
                _settable(context, draft, {**fiscal, "Fiscal": f"{day.year} {quarter}"})


class DraftedRecords(Effects):
    """Orders and contracts: created in a status of category Draft, activated by an update."""

    reads = ("Status", "StatusCode")
    final = True
    """Refuse to make an active record a draft again."""

    def __init__(self, table: str, refusal: str) -> None:
        self._table = table
        self._refusal = refusal

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse new records in a status other than a draft."""
        states = _states(context, self._table, ["StatusCode"])
        for draft in rows:
            state = states.get(_status(context, draft))
            if state is None:
                continue
            if state["StatusCode"] != DRAFT:
                draft.fail("FAILED_ACTIVATION", self._refusal, "Status")
            _settable(context, draft, {"StatusCode": state["StatusCode"]})

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Set the category of the new status."""
        states = _states(context, self._table, ["StatusCode"])
        for draft in rows:
            state = states.get(str(draft.value("Status")))
            if state is None or not draft.changes("Status") or draft.before is None:
                continue
            was = draft.before.get("StatusCode")
            if self.final and was not in {None, DRAFT} and state["StatusCode"] == DRAFT:
                draft.fail("FAILED_ACTIVATION", self._refusal, "Status")
            _settable(context, draft, {"StatusCode": state["StatusCode"]})
            if was != state["StatusCode"] and state["StatusCode"] == ACTIVATED:
                who = {"ActivatedDate": context.stamp, "ActivatedById": context.user.id}
                _settable(context, draft, who)


class Contracts(DraftedRecords):
    """Activated contracts are deleted only with the permission Delete Activated Contracts.

    Source: Salesforce help, delete contracts.
    """

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse to delete activated contracts."""
        if context.by_platform or context.user.may(Permission.DELETE_ACTIVATED_CONTRACTS):
            return
        for draft in rows:
            if draft.value("StatusCode") == ACTIVATED:
                draft.refuse(refusals.NO_ACCESS)


class Orders(DraftedRecords):
    """An order without products cannot be activated; an active one can be a draft again.

    Source: object reference (OrderStatusChangedEvent: from Activated to Draft).
    """

    final = False

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse to delete activated orders: they are made drafts first."""
        for draft in rows:
            if not context.by_platform and draft.value("StatusCode") == ACTIVATED:
                draft.fail("FIELD_INTEGRITY_EXCEPTION", ACTIVATED_ORDER)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse to activate orders without products."""
        super().before_update(rows, context)
        moved = [
            draft for draft in rows if draft.sound and draft.cells.get("StatusCode") == ACTIVATED
        ]
        if not moved or context.org.schema.get("OrderItem") is None:
            return
        keys = [draft.id or "" for draft in moved]
        items = context.select("OrderItem", ["OrderId"], '"OrderId" IN {values}', keys)
        filled = {row["OrderId"] for row in items}
        for draft in moved:
            if draft.id not in filled:
                draft.fail("FAILED_ACTIVATION", NO_PRODUCTS)
