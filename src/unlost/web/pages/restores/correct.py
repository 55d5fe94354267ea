"""The page that corrects a record in the org."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from unlost.app.actions.restores.correct import correct, correctable
from unlost.model.access import Right
from unlost.web.forms.correction import CorrectionForm
from unlost.web.forms.problems import done
from unlost.web.needs import needs
from unlost.web.pages.restores.restore import planning
from unlost.web.requests import UserRequest, sent


@require_http_methods(["GET", "POST"])
@needs(Right.RESTORE)
def correction(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Show the versions of each column, and start to plan with the chosen ones."""
    app = request.unlost
    shown = correctable(app, org, table, record)
    form = CorrectionForm(shown, sent(request))
    view = done(
        form,
        lambda: correct(
            app,
            org,
            table,
            record,
            chosen=form.chosen(),
            beside=form.cleaned_data["beside"],
        ),
    )
    if view is not None:
        return planning(request, view)
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    context = {"part": "find", "shown": shown, "form": form}
    return render(request, "restore/correct.html", context, status=status)
