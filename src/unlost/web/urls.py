"""The addresses of the console."""

from django.urls import include, path, register_converter

from unlost.web.addresses import Name
from unlost.web.pages import (
    audit,
    hidden,
    home,
    people,
    profile,
    record,
    records,
    sso,
    start,
    tokens,
)

register_converter(Name, "name")

handler429 = "unlost.web.failing.too_many"  # allauth looks for it
handler404 = "unlost.web.failing.not_found"
handler500 = "unlost.web.failing.broken"

_RECORD = "orgs/<name:org>/records/<name:table>/<name:record>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("find/", records.find, name="find"),
    path(_RECORD, record.timeline, name="record"),
    path(f"{_RECORD}fields/", record.fields, name="record-fields"),
    path(f"{_RECORD}related/", record.related, name="record-related"),
    path(f"{_RECORD}files/", record.files, name="record-files"),
    path("orgs/<name:org>/files/<name:record>/", record.download, name="file"),
    path("start/<str:text>/", start.start, name="start"),
    path("settings/", profile.profile, name="profile"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:token>/drop/", tokens.drop, name="token-drop"),
    path("settings/people/", people.list_people, name="people"),
    path("settings/people/add/", people.add, name="person-add"),
    path("settings/people/unlock/", people.unlock, name="person-unlock"),
    path("settings/people/of/<name:name>/", people.show, name="person"),
    path("settings/people/of/<name:name>/role/", people.give_role, name="person-role"),
    path("settings/people/of/<name:name>/role/take/", people.take_role, name="person-role-take"),
    path("settings/people/of/<name:name>/link/", people.make_link, name="person-link"),
    path("settings/people/of/<name:name>/remove/", people.remove, name="person-remove"),
    path("settings/people/of/<name:name>/return/", people.let_back, name="person-return"),
    path("settings/people/of/<name:name>/factors/", people.forget_factors, name="person-factors"),
    path("settings/hidden/", hidden.hidden, name="hidden"),
    path("settings/hidden/<name:org>/hide/", hidden.hide, name="hidden-hide"),
    path("settings/hidden/<name:org>/show/", hidden.show, name="hidden-show"),
    path("settings/sso/", sso.providers, name="sso"),
    path("settings/sso/<slug:name>/remove/", sso.remove, name="sso-remove"),
    path("audit/", audit.audit, name="audit"),
    path("audit/verify/", audit.check, name="audit-verify"),
    path("audit/export/", audit.download, name="audit-export"),
    path("account/", include("unlost.web.accounts")),
]
