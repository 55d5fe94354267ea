"""The pages of archive policies: a new one, and the parts, schedule, preview and nights of each."""

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.access import rights_in
from unlost.app.actions.archive.policies import archive_policies, preview_archive
from unlost.app.actions.archive.policy_choices import policy_choices, policy_values
from unlost.app.actions.archive.saved_policies import (
    SavedPolicyView,
    remove_policy,
    save_policy,
    show_saved,
)
from unlost.app.archive.policy_file import policy_text
from unlost.app.compose import Application
from unlost.model.access import Right
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import UsageError
from unlost.model.saved_policy import NOT_SAVED
from unlost.web.forms.archive_branches import taken_branches
from unlost.web.forms.archive_policy import ArchivePolicyForm, PolicyTableForm
from unlost.web.forms.problems import done
from unlost.web.needs import needs
from unlost.web.requests import UserRequest, sent

OF_NAME = {"archive-policy-unnamed": "name", "archive-policy-reserved": "name"}


@require_http_methods(["GET", "POST"])
@needs(Right.RESTORE)
def create(request: UserRequest, org: str) -> HttpResponse:
    """Build a policy for ``?table=``, or from a copy of the policy ``?from=``."""
    app = request.unlost
    policies = archive_policies(app, org)
    source, table = request.GET.get("from", ""), request.GET.get("table", "")
    if source:
        policy = replace(policies.named(source), name="", label="")
    else:
        policy = ArchivePolicy("", table)
        choices = policy_choices(app, org, policy)
        tables = PolicyTableForm(choices.tables, request.GET if "table" in request.GET else None)
        if not tables.is_valid():
            page: dict[str, object] = {"part": "storage", "org": org, "tables": tables}
            page |= {"copies": policies.policies, "can": rights_in(app, org)}
            status = HTTPStatus.BAD_REQUEST if tables.errors else None
            return render(request, "storage/new_policy.html", page, status=status)
    names = {each.name for each in policies.policies}
    form = _form(app, org, policy, saved=None, names=names, request=request)
    view = done(form, lambda: save_policy(app, org, form.as_request()), fields=OF_NAME)
    if view is not None:
        messages.success(request, _("The policy was saved."))
        address = reverse("archive-policy", kwargs={"org": org, "name": view.policy.name})
        return redirect(f"{address}?show=preview")
    context = _shown(app, org, form, saved=None)
    return render(request, "storage/new_policy.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@needs(Right.RESTORE)
def edit(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Show a policy, saved or ready-made, and save it; ``?show=preview`` adds its preview."""
    app = request.unlost
    policies = archive_policies(app, org)
    policy = policies.named(name)
    saved = show_saved(app, org, name) if name in policies.saved else None
    form = _form(app, org, policy, saved=saved, names=None, request=request)
    view = done(form, lambda: save_policy(app, org, form.as_request()))
    if view is not None:
        messages.success(request, _("The policy was saved."))
        address = reverse("archive-policy", kwargs={"org": org, "name": name})
        return redirect(address if view.previewed else f"{address}?show=preview")
    context = _shown(app, org, form, saved=saved)
    if request.GET.get("show") == "preview":
        context |= _preview(app, org, policy, saved)
    return render(request, "storage/policy.html", context, status=_status(form))


@require_POST
@needs(Right.RESTORE)
def remove(request: UserRequest, org: str, name: str) -> HttpResponse:
    """Remove a saved policy and its schedule."""
    remove_policy(request.unlost, org, name)
    messages.success(request, _("The policy was removed."))
    return redirect(f"{reverse('storage', kwargs={'org': org})}?show=archive")


def _form(
    app: Application,
    org: str,
    policy: ArchivePolicy,
    *,
    saved: SavedPolicyView | None,
    names: Collection[str] | None,
    request: UserRequest,
) -> ArchivePolicyForm:
    """Return the form of a policy, with the choices that the newest backup offers."""
    typed = sent(request)
    # A record that goes along can have related records, too.
    goes = replace(policy, branches=tuple(taken_branches(typed))) if typed is not None else policy
    names_of = cache(lambda table, column: policy_values(app, org, table, column).choices)
    return ArchivePolicyForm(
        policy,
        saved,
        choices=policy_choices(app, org, goes),
        values=names_of,
        names=names,
        data=typed,
    )


def _shown(
    app: Application, org: str, form: ArchivePolicyForm, *, saved: SavedPolicyView | None
) -> dict[str, object]:
    """Return the form for the template."""
    policy = form.policy
    return {
        "part": "storage",
        "org": org,
        "policy": policy,
        "saved": saved,
        "form": form,
        "seen": saved.version if saved is not None else NOT_SAVED,
        "can": rights_in(app, org),
        "zone": saved.zone if saved is not None else "UTC",
        "json": policy_text(policy) if policy.name and not form.is_bound else "",
    }


def _status(form: ArchivePolicyForm) -> HTTPStatus | None:
    return HTTPStatus.BAD_REQUEST if form.has_errors else None


def _preview(
    app: Application, org: str, policy: ArchivePolicy, saved: SavedPolicyView | None
) -> dict[str, object]:
    """Return the preview for the template, or why the policy cannot be used."""
    names = {policy.name} if saved is not None else set()
    try:
        return {"outlooks": [preview_archive(app, org, policy)], "saved_names": names}
    except UsageError as error:
        return {"broken": [(policy, error)], "saved_names": names}
