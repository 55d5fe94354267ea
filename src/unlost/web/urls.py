"""The addresses of the console."""

from django.urls import include, path, register_converter

from unlost.web.addresses import Name
from unlost.web.api.building import build
from unlost.web.pages import (
    alerts,
    compare,
    connect,
    home,
    jobs,
    org_access,
    orgs,
    record,
    records,
    restore,
    schedules,
    start,
    storage,
    vault,
)

register_converter(Name, "name")

handler404 = "unlost.web.failing.not_found"
handler500 = "unlost.web.failing.broken"

_PLAN = "orgs/<name:org>/restores/<str:plan>/"
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
    path("api/v1/", build().urls),
    path("orgs/<name:org>/compare/", compare.compare, name="compare"),
    path("orgs/<name:org>/lost/", compare.lost, name="lost"),
    path("orgs/<name:org>/restores/", restore.begin, name="restore"),
    path(_PLAN, restore.plan, name="plan"),
    path(f"{_PLAN}records/<name:table>/", restore.records, name="plan-records"),
    path(f"{_PLAN}without/", restore.without, name="plan-without"),
    path(f"{_PLAN}again/", restore.again, name="plan-again"),
    path(f"{_PLAN}drop/", restore.drop, name="plan-drop"),
    path(f"{_PLAN}run/", restore.run, name="plan-run"),
    path("orgs/<name:org>/backup/", jobs.back_up, name="back-up"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<str:run>/", jobs.job, name="job"),
    path("jobs/<str:run>/retry/", jobs.retry, name="job-retry"),
    path("jobs/<str:run>/<str:act>/", jobs.act, name="job-act"),
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
