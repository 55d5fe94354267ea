"""The page that corrects a record in the org."""

from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from unlost.app.actions.restores.correct import CorrectableRecord, correct, correctable
from unlost.model.access import Right
from unlost.web.forms.correction import CorrectionForm, earlier_values
from unlost.web.forms.problems import done
from unlost.web.needs import needs
from unlost.web.pages.restores.restore import planning
from unlost.web.requests import UserRequest, sent


@require_http_methods(["GET", "POST"])
@needs(Right.RESTORE)
def correction(request: UserRequest, org: str, table: str, record: str) -> HttpResponse:
    """Show the versions of each column, and start to plan with the chosen ones."""
    app = request.unlost
    more = request.POST.get("more", "")
    # In the address are the columns of a change whose earlier values are chosen.
    named = (*request.POST.getlist("every"), *request.GET.getlist("column"))
    every = list(dict.fromkeys(named))
    shown = correctable(app, org, table, record, every=[*every, more])
    if more:  # the page is shown again, with the values that were chosen so far
        form = CorrectionForm(shown, initial=request.POST.dict())
        return _page(request, shown, form, every=[*every, more])
    earlier = earlier_values(shown, request.GET.get("until", ""))
    form = CorrectionForm(shown, sent(request), initial=earlier)
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
    return _page(request, shown, form, every=every)


def _page(
    request: UserRequest, shown: CorrectableRecord, form: CorrectionForm, *, every: Sequence[str]
) -> HttpResponse:
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    context = {"part": "records", "shown": shown, "form": form, "every": every}
    return render(request, "restore/correct.html", context, status=status)
