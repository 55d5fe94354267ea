"""The addresses of the console."""

from django.urls import include, path, register_converter

from unlost.web.addresses import Name
from unlost.web.pages import (
    alerts,
    connect,
    home,
    org_access,
    orgs,
    record,
    records,
    schedules,
    start,
    storage,
    vault,
)

register_converter(Name, "name")

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
    path("orgs/", orgs.every, name="orgs"),
    path("connect/", connect.kind, name="connect"),
    path("connect/sign-in/", connect.sign_in, name="connect-sign-in"),
    path("connect/scope/", connect.scope, name="connect-scope"),
    path("connect/hour/", connect.hour, name="connect-hour"),
    path("orgs/<name:org>/", orgs.one, name="org"),
    path("orgs/<name:org>/certificate/<str:at>/", orgs.certificate, name="certificate"),
    path("orgs/<name:org>/settings/", org_access.settings, name="org-settings"),
    path("orgs/<name:org>/follow/", org_access.follow, name="org-follow"),
    path("orgs/<name:org>/writer/", org_access.writer, name="org-writer"),
    path("orgs/<name:org>/storage/", storage.one, name="storage"),
    path("orgs/<name:org>/schedule/", schedules.one, name="schedule"),
    path("storage/", storage.every, name="storages"),
    path("alerts/", alerts.inbox, name="alerts"),
    path("alerts/acknowledge/", alerts.acknowledge, name="acknowledge"),
    path("alerts/channels/", alerts.every_channel, name="channels"),
    path("alerts/channels/add/<str:kind>/", alerts.add, name="channel-add"),
    path("alerts/channels/<name:channel>/test/", alerts.test, name="channel-test"),
    path("alerts/channels/<name:channel>/remove/", alerts.remove, name="channel-remove"),
    path("schedules/", schedules.every, name="schedules"),
    path("vault/", vault.state, name="vault"),
    path("vault/verify/", vault.verified, name="vault-verify"),
    path("vault/checks/", vault.checks, name="checks"),
    path("account/", include("allauth.urls")),
]
