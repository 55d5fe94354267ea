"""Settings, people: the users of the console and their roles."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from unlost.app.actions.people.lockouts import lockouts
from unlost.app.actions.people.lockouts import unlock as end_lockout
from unlost.app.actions.people.people import add as add_person
from unlost.app.actions.people.people import change_role, edit, link, people, person
from unlost.app.actions.people.people import forget_factors as forget
from unlost.app.actions.people.people import let_back as return_person
from unlost.app.actions.people.people import remove as remove_person
from unlost.model.access import Right, Role
from unlost.web.forms.problems import done
from unlost.web.forms.roles import RoleForm
from unlost.web.requests import UserRequest, sent
from unlost.web.signin.confirming import confirmed

PART = {"part": "settings", "tab": "people"}


class ContactForm(forms.Form):
    """A person's full name and e-mail address."""

    full_name = forms.CharField(
        label=gettext_lazy("Full name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        required=False,
        help_text=gettext_lazy(
            "Allows sign-in with your company's single sign-on. No mail is sent."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )


class NewPerson(RoleForm, ContactForm):
    """A new person with a first role."""

    field_order = ("name", "full_name", "email", "role", "org")
    name = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        help_text=gettext_lazy("Short and without spaces, such as lena."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )


@require_GET
def list_people(request: UserRequest) -> HttpResponse:
    """List all people, and the names that are locked now."""
    app = request.unlost
    context = {"people": people(app).people, "lockouts": lockouts(app).lockouts, **PART}
    return render(request, "settings/people.html", context)


@require_http_methods(["GET", "POST"])
@confirmed("person-add")
def add(request: UserRequest) -> HttpResponse:
    """Show the form for a new person, and add them."""
    people(request.unlost)  # raises unless the actor may add people
    form = NewPerson(sent(request), app=request.unlost, right=Right.MANAGE)
    added = done(form, lambda: _added(request, form))
    if added:
        message = _("%(name)s was added. Create a link for them, or let them use single sign-on.")
        messages.success(request, message % {"name": added.name})
        return redirect("person", name=added.name)
    return _page(request, "settings/person_add.html", {"form": form}, form)


def _added(request: UserRequest, form: NewPerson) -> Any:
    given = form.cleaned_data
    return add_person(
        request.unlost,
        given["name"],
        role=Role(given["role"]),
        org=form.place,
        full_name=given["full_name"],
        email=given["email"],
    )


@require_http_methods(["GET", "POST"])
@confirmed("person")
def show(request: UserRequest, name: str) -> HttpResponse:
    """Show a person, with a form for their name and e-mail address."""
    known = person(request.unlost, name)
    initial = {"full_name": known.full_name, "email": known.email}
    form = ContactForm(sent(request), initial=initial)
    if done(form, lambda: edit(request.unlost, name, **form.cleaned_data)):
        messages.success(request, _("%(name)s was changed.") % {"name": known.name})
        return redirect("person", name=known.name)
    return _person_page(request, name, contact=form)


@require_POST
@confirmed("person")
def give_role(request: UserRequest, name: str) -> HttpResponse:
    """Give a person a role in one org, or in all."""
    form = _role_form(request, request.POST)

    def give() -> Any:
        return change_role(
            request.unlost, name, Role(form.cleaned_data["role"]), org=form.place
        )  # fmt: skip

    if done(form, give):
        messages.success(request, _("The role of %(name)s was changed.") % {"name": name})
        return redirect("person", name=name)
    return _person_page(request, name, role=form)


@require_POST
@confirmed("person")
def take_role(request: UserRequest, name: str) -> HttpResponse:
    """Remove a person's role."""
    org = request.POST.get("org") or None
    change_role(request.unlost, name, None, org=org)
    messages.success(request, _("The role of %(name)s was removed.") % {"name": name})
    return redirect("person", name=name)


@require_POST
@confirmed("person")
def make_link(request: UserRequest, name: str) -> HttpResponse:
    """Create a sign-in link, shown only in this response, so that it is stored nowhere."""
    sign_in_link = link(request.unlost, name)
    context = {
        "link": request.build_absolute_uri(sign_in_link.path),
        "sign_in_link": sign_in_link,
        **PART,
    }
    return render(request, "settings/person_link.html", context)


@require_POST
def remove(request: UserRequest, name: str) -> HttpResponse:
    """Remove a person."""
    remove_person(request.unlost, name)
    messages.success(
        request, _("%(name)s was removed, and their sessions have ended.") % {"name": name}
    )
    return redirect("person", name=name)


@require_POST
@confirmed("person")
def let_back(request: UserRequest, name: str) -> HttpResponse:
    """Let a removed person back in."""
    return_person(request.unlost, name)
    messages.success(request, _("%(name)s can sign in again.") % {"name": name})
    return redirect("person", name=name)


@require_POST
@confirmed("person")
def forget_factors(request: UserRequest, name: str) -> HttpResponse:
    """Reset the second factors of a person."""
    forget(request.unlost, name)
    message = _("The second factors of %(name)s were reset, and their sessions have ended.")
    messages.success(request, message % {"name": name})
    return redirect("person", name=name)


@require_POST
def unlock(request: UserRequest) -> HttpResponse:
    """Unlock a name."""
    unlocked = end_lockout(request.unlost, request.POST.get("name", ""))
    messages.success(request, _("%(name)s can try again now.") % {"name": unlocked.name})
    return redirect("people")


def _role_form(request: UserRequest, data: Any = None) -> RoleForm:
    return RoleForm(data, app=request.unlost, right=Right.MANAGE, auto_id="role_%s")


def _person_page(
    request: UserRequest,
    name: str,
    *,
    contact: ContactForm | None = None,
    role: RoleForm | None = None,
) -> HttpResponse:
    known = person(request.unlost, name)
    initial = {"full_name": known.full_name, "email": known.email}
    context = {
        "person": known,
        "contact": contact or ContactForm(initial=initial),
        "role_form": role or _role_form(request),
    }
    return _page(request, "settings/person.html", context, contact, role)


def _page(
    request: HttpRequest, page: str, context: dict[str, Any], *forms_sent: forms.Form | None
) -> HttpResponse:
    wrong = any(form is not None and form.errors for form in forms_sent)
    return render(request, page, context | PART, status=400 if wrong else 200)
