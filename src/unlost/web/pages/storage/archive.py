"""The archive: the records that left the orgs and are in the vault, by table and by run."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from unlost.app.access import rights_in
from unlost.app.actions.archive.contents import archive_contents
from unlost.model.access import Right
from unlost.web.needs import needs, needs_somewhere
from unlost.web.requests import UserRequest


@require_GET
@needs_somewhere(Right.READ)
def every(request: UserRequest) -> HttpResponse:
    """List the orgs whose archives the person may read; with a single one, redirect to its page."""
    orgs = request.unlost.orgs(Right.READ)
    if len(orgs) == 1:
        return redirect("archive", org=orgs[0].name)
    return render(request, "storage/archives.html", {"part": "archive", "orgs": orgs})


@require_GET
@needs(Right.READ)
def show(request: UserRequest, org: str) -> HttpResponse:
    """Show the archive of an org; ``?show=size`` measures what its records needed in the org."""
    app = request.unlost
    contents = archive_contents(app, org, sizes=request.GET.get("show") == "size")
    can = rights_in(app, org)
    context = {"part": "archive", "org": org, "contents": contents, "can": can}
    return render(request, "storage/contents.html", context)
