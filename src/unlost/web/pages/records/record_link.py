"""The address by which a button in the org opens a record here: the related-records page."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from unlost.app.access import check_org
from unlost.app.compose import Application
from unlost.app.records.ids import connector_of
from unlost.app.records.relations.related import RelatedState
from unlost.model.access import Right
from unlost.web.requests import UserRequest
from unlost.web.signin.direct import starts_sign_in


@starts_sign_in
@require_GET
def open_record(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Lead to the related records of a record; ``org`` is its name, or the org's own id.

    Raises NotFound (``org-unknown``), NotAllowed (``not-permitted``).
    """
    name = _org_name(request.unlost, org)
    check_org(request.unlost, Right.READ, name)
    page = reverse("record-related", kwargs={"org": name, "table": table, "record": record})
    archived = RelatedState.ARCHIVED.value
    wants = request.GET.get("state") == archived
    return redirect(f"{page}?{urlencode({'state': archived})}" if wants else page)


def _org_name(app: Application, text: str) -> str:
    """Return the name of the org that ``text`` names; itself if there is none.

    Only orgs that the actor may read count, so that ids cannot be probed.
    """
    orgs = app.orgs(Right.READ)
    if text in {org.name for org in orgs}:
        return text
    for org in orgs:
        connector = connector_of(app, org)
        # An org's own id has the same forms as those of its records.
        ids = connector.record_ids(text) if connector is not None else ()
        if org.identity.tenant in {text, *ids}:
            return org.name
    return text
