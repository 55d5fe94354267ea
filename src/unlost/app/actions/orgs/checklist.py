"""The checklist of a connected org: the steps of its setup, checked now."""

from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Right
from unlost.model.source.checklist import ChecklistStep, CheckState


@dataclass(frozen=True, slots=True)
class OrgChecklist:
    """The steps of an org's setup, in the order in which people do them."""

    org: str
    steps: tuple[ChecklistStep, ...]

    @property
    def missing(self) -> int:
        """The number of steps that are not done."""
        return missing_steps(self.steps)


@action("org.checklist", Right.MANAGE, where=Where.HOME)
def org_checklist(app: Application, org: str) -> OrgChecklist:
    """Sign in to an org and check each step of its setup.

    Raises NotFound for an unknown org, and the errors of the sign-in.
    """
    with app.open_org(get_org(org)) as source:
        return OrgChecklist(org, tuple(source.checklist(source.discover())))


def missing_steps(steps: tuple[ChecklistStep, ...]) -> int:
    """Return the number of steps that are not done."""
    return sum(step.state is CheckState.MISSING for step in steps)
