"""The page of an archive policy: its numbers, its schedule, its preview and its nights."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.access import rights_in
from unlost.app.actions.archive.policies import archive_policies, preview_archive
from unlost.app.actions.archive.saved_policies import (
    SavedPolicyView,
    remove_policy,
    save_policy,
    show_saved,
)
from unlost.app.compose import Application
from unlost.model.access import Right
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import UsageError
from unlost.model.saved_policy import NOT_SAVED
from unlost.web.forms.archive_policy import ArchivePolicyForm
from unlost.web.forms.problems import done
from unlost.web.needs import needs
from unlost.web.requests import UserRequest, sent


@require_http_methods(["GET", "POST"])
@needs(Right.RESTORE)
def edit(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Show a policy, saved or ready-made, and save it; ``?show=preview`` adds its preview."""
    app = request.unlost
    policies = archive_policies(app, org)
    policy = policies.named(name)
    saved = show_saved(app, org, name) if name in policies.saved else None
    form = ArchivePolicyForm(policy, saved, sent(request))
    view = done(form, lambda: save_policy(app, org, form.as_request()))
    if view is not None:
        messages.success(request, _("The policy was saved."))
        address = reverse("archive-policy", kwargs={"org": org, "name": name})
        return redirect(address if view.previewed else f"{address}?show=preview")
    context = {"part": "storage", "org": org, "policy": policy, "saved": saved, "form": form}
    context["seen"] = saved.version if saved is not None else NOT_SAVED
    context |= {"can": rights_in(app, org), "zone": saved.zone if saved is not None else "UTC"}
    if request.GET.get("show") == "preview":
        context |= _preview(app, org, policy, saved)
    status = HTTPStatus.BAD_REQUEST if form.errors else None
    return render(request, "storage/policy.html", context, status=status)


@require_POST
@needs(Right.RESTORE)
def remove(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Remove a saved policy and its schedule."""
    remove_policy(request.unlost, org, name)
    messages.success(request, _("The policy was removed."))
    return redirect(f"{reverse('storage', kwargs={'org': org})}?show=archive")


def _preview(
    app: Application, org: str, policy: ArchivePolicy, saved: SavedPolicyView | None
) -> dict[str, object]:
    """Return the preview for the template, or why the policy cannot be used."""
    names = {policy.name} if saved is not None else set()
    try:
        return {"outlooks": [preview_archive(app, org, policy)], "saved_names": names}
    except UsageError as error:
        return {"broken": [(policy, error)], "saved_names": names}
