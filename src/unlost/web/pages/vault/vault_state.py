"""Pages of the vault: its content, verifications and keys; and checks of the whole home."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from unlost.app.access import check_home
from unlost.app.actions.alerts.doctor import Diagnosis, doctor
from unlost.app.actions.retention.keeping import show as show_rules
from unlost.app.actions.vault.mirror import ask_mirror
from unlost.app.actions.vault.vault_state import VaultState, vault_state, verify_later
from unlost.app.actions.vault.verify import VerifyResult, verify
from unlost.model.access import Right
from unlost.model.errors import UsageError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.web.needs import needs
from unlost.web.requests import UserRequest

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MirrorLag:
    """The newest backups of these orgs, which the mirror lacks; it is behind by ``hours``."""

    orgs: tuple[str, ...]
    hours: int


@require_GET
def state(request: UserRequest) -> HttpResponse:
    """Show the vault's content by org, and its verifications."""
    vault = vault_state(request.unlost)
    context = {
        "part": "vault",
        "vault": vault,
        "lag": mirror_lag(vault),
        "retention": show_rules(request.unlost).orgs,
    }
    return render(request, "vault/state.html", context)


def mirror_lag(vault: VaultState) -> MirrorLag:
    """Return the backups of the vault that the mirror does not have yet."""
    done_at = vault.mirror.last.done_at if vault.mirror and vault.mirror.last else None
    newest = {org.org: org.newest for org in vault.orgs if org.newest is not None}
    behind = {
        name: finished for name, finished in newest.items() if done_at is None or finished > done_at
    }
    if done_at is None or not behind:
        return MirrorLag(tuple(behind), 0)
    return MirrorLag(tuple(behind), int((max(behind.values()) - done_at) / HOUR))


@require_POST
@needs(Right.OPERATE)
def verified(request: UserRequest) -> HttpResponse:
    """Verify the vault: the quick level immediately, other levels by the service."""
    level = _level(request.POST.get("level", ""))
    if level is not VerifyLevel.QUICK:
        verify_later(request.unlost, level)
        message = _(
            "The service is verifying the vault. The result will appear first in the list below."
        )
        messages.success(request, message)
        return redirect("vault")
    verify_result = verify(request.unlost, level=level)
    _show_suspicions(request, verify_result)
    if verify_result.damages:
        messages.error(request, _("The vault is damaged: %s") % verify_result.damages[0].sentence)
    elif verify_result.whole:
        message = ngettext(
            "The vault is undamaged: %(count)s object exists with the right size.",
            "The vault is undamaged: %(count)s objects exist with the right sizes.",
            verify_result.objects,
        )
        messages.success(request, message % {"count": f"{verify_result.objects:,}"})
    return redirect("vault")


def _show_suspicions(request: UserRequest, verify_result: VerifyResult) -> None:
    """Show orgs whose newest backup nothing proves, and objects that others put into the vault."""
    for org in verify_result.unproved:
        message = _(
            "This home remembers no backup of %(org)s. If its newest backups were removed, nothing "
            "here shows it. Compare with a certificate: unlost verify --expect HEAD"
        )
        messages.error(request, message % {"org": org})
    if verify_result.strange:
        message = _("The vault has objects that Unlost did not create, such as %(name)s.")
        messages.warning(request, message % {"name": verify_result.strange[0]})


@require_POST
@needs(Right.OPERATE)
def mirrored(request: UserRequest) -> HttpResponse:
    """Have the service update the mirror."""
    ask_mirror(request.unlost)
    messages.success(request, _("The service is updating the mirror."))
    return redirect(f"{reverse('vault')}#second-copy")


@require_http_methods(["GET", "POST"])
def checks(request: UserRequest) -> HttpResponse:
    """Check the whole home, and the orgs too if requested."""
    check_home(request.unlost, Right.MANAGE)
    diagnosis: Diagnosis | None = None
    ask = "ask" in request.POST
    if request.method == "POST":
        diagnosis = doctor(request.unlost, ask=ask, repair="repair" in request.POST)
    repairable = diagnosis is not None and any(
        check.repairable and not check.repaired for check in diagnosis.checks
    )
    context = {"part": "vault", "diagnosis": diagnosis, "ask": ask, "repairable": repairable}
    return render(request, "vault/checks.html", context)


def _level(text: str) -> VerifyLevel:
    if text not in set(VerifyLevel):
        raise UsageError(
            "verify-level-unknown",
            "The verification level {text!r} does not exist.",
            next_step="Use quick, full or deep.",
            text=text,
        )
    return VerifyLevel(text)
