"""The home page: the state of each org."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.actions.alerts.overview import overview
from unlost.web.requests import UserRequest


@require_GET
def home(request: UserRequest) -> HttpResponse:
    """Show each org as a card: protection, last backup, storage, active runs."""
    return render(request, "home.html", {"part": "home", "overview": overview(request.unlost)})
