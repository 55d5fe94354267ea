"""The home page: how each org stands."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from unlost.app.actions.alerts.overview import overview
from unlost.web.requests import UserRequest


@require_GET
def home(request: UserRequest) -> HttpResponse:
    """Each org as a card: protected or not, the last night, storage, what runs."""
    return render(request, "home.html", {"part": "home", "overview": overview(request.unlost)})
