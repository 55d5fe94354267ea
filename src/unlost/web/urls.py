"""The URLs of the console."""

from django.urls import include, path, register_converter

from unlost.web.addresses import NameConverter
from unlost.web.api.lazily import LazyAPI
from unlost.web.pages import style
from unlost.web.pages.alerts import alerts, mass_changes, mass_limits, overview
from unlost.web.pages.backups import calendar, certificate, schedule
from unlost.web.pages.orgs import (
    browser_sign_in,
    connect,
    hidden_columns,
    orgs,
    searched_columns,
    write_access,
)
from unlost.web.pages.people import audit, people, profile, sso, start, tokens
from unlost.web.pages.records import compare, find, history, losses, record_list, saved_searches
from unlost.web.pages.restores import correct, edit_plan, restore, selections
from unlost.web.pages.retention import keeping, privacy, rectify
from unlost.web.pages.runs import runs
from unlost.web.pages.storage import storage
from unlost.web.pages.vault import vault_keys, vault_state

register_converter(NameConverter, "name")

handler429 = "unlost.web.failing.too_many"  # allauth looks for it
handler404 = "unlost.web.failing.not_found"
handler500 = "unlost.web.failing.broken"

_PLAN = "orgs/<name:org>/restores/<str:plan>/"
_RECORD = "orgs/<name:org>/records/<name:table>/<name:record>/"

urlpatterns = [
    path("", overview.home, name="home"),
    path("find/", find.find, name="find"),
    path(_RECORD, history.timeline, name="record"),
    path(f"{_RECORD}fields/", history.fields, name="record-fields"),
    path(f"{_RECORD}related/", history.related, name="record-related"),
    path(f"{_RECORD}files/", history.files, name="record-files"),
    path(f"{_RECORD}put-back/", restore.put_back_value, name="put-back"),
    path(f"{_RECORD}correction/", correct.correction, name="correction"),
    path(f"{_RECORD}correct/", rectify.correct, name="correct"),
    path(f"{_RECORD}correct/all/", rectify.corrected, name="correct-all"),
    path("orgs/<name:org>/files/<name:record>/", history.download, name="file"),
    path("start/<str:text>/", start.start, name="start"),
    path("orgs/<name:org>/compare/", compare.compare, name="compare"),
    path("orgs/<name:org>/lost/", compare.lost, name="lost"),
    path("orgs/<name:org>/list/", record_list.show, name="list"),
    path("orgs/<name:org>/list/csv/", record_list.download, name="list-csv"),
    path("orgs/<name:org>/list/columns/", record_list.choose, name="list-columns"),
    path("find/saved/", saved_searches.save, name="search-save"),
    path("find/saved/remove/", saved_searches.remove, name="search-remove"),
    path("losses/", losses.every, name="losses"),
    path("orgs/<name:org>/losses/<int:loss>/", losses.show, name="loss"),
    path("orgs/<name:org>/losses/<int:loss>/dismiss/", losses.dismissed, name="loss-dismiss"),
    path("orgs/<name:org>/losses/<int:loss>/reopen/", losses.reopened, name="loss-reopen"),
    path("orgs/<name:org>/ticks/", selections.change_selections, name="ticks"),
    path("orgs/<name:org>/restores/", restore.begin, name="restore"),
    path(_PLAN, restore.plan, name="plan"),
    path(f"{_PLAN}records/<name:table>/", restore.records, name="plan-records"),
    path(f"{_PLAN}groups/<name:table>/", restore.group, name="plan-group"),
    path(f"{_PLAN}without/", restore.without, name="plan-without"),
    path(f"{_PLAN}edit/<name:table>/<name:record>/", edit_plan.edit, name="plan-edit"),
    path(f"{_PLAN}give/", edit_plan.give, name="plan-give"),
    path(f"{_PLAN}again/", restore.again, name="plan-again"),
    path(f"{_PLAN}drop/", restore.drop, name="plan-drop"),
    path(f"{_PLAN}run/", restore.run, name="plan-run"),
    path("orgs/<name:org>/backup/", runs.back_up, name="back-up"),
    path("runs/", runs.list_runs, name="runs"),
    path("runs/<str:run>/", runs.show_run, name="run"),
    path("runs/<str:run>/records/<name:table>/", runs.restored, name="run-records"),
    path("runs/<str:run>/retry/", runs.retry, name="run-retry"),
    path("runs/<str:run>/<str:act>/", runs.act, name="run-act"),
    path("orgs/", orgs.every, name="orgs"),
    path("connect/", connect.kind, name="connect"),
    path("connect/sign-in/", connect.sign_in, name="connect-sign-in"),
    path("connect/start/", browser_sign_in.start, name="connect-start"),
    path("connect/callback/", browser_sign_in.callback, name="connect-callback"),
    path("connect/checklist/", connect.checklist, name="connect-checklist"),
    path("connect/scope/", connect.scope, name="connect-scope"),
    path("connect/hour/", connect.hour, name="connect-hour"),
    path("orgs/<name:org>/", orgs.show, name="org"),
    path("orgs/<name:org>/backups/", calendar.month, name="backups"),
    path("orgs/<name:org>/certificate/<str:at>/", certificate.certificate, name="certificate"),
    path("orgs/<name:org>/gaps/accept/", certificate.accepted, name="gap-accept"),
    path("orgs/<name:org>/gaps/reopen/", certificate.reopened, name="gap-reopen"),
    path("orgs/<name:org>/settings/", write_access.settings, name="org-settings"),
    path("orgs/<name:org>/searched/", searched_columns.searched, name="searched"),
    path("orgs/<name:org>/searched/add/", searched_columns.choose, name="searched-add"),
    path("orgs/<name:org>/searched/remove/", searched_columns.drop, name="searched-remove"),
    path("orgs/<name:org>/checklist/", write_access.checklist, name="org-checklist"),
    path("orgs/<name:org>/follow/", write_access.follow, name="org-follow"),
    path("orgs/<name:org>/writer/", write_access.writer, name="org-writer"),
    path("orgs/<name:org>/storage/", storage.show, name="storage"),
    path("orgs/<name:org>/keeping/", keeping.keeping, name="keeping"),
    path("orgs/<name:org>/keeping/rules/", keeping.rules, name="keeping-rules"),
    path("orgs/<name:org>/keeping/forget/", keeping.forgotten, name="keeping-forget"),
    path("orgs/<name:org>/holds/", keeping.place_hold, name="hold-set"),
    path("orgs/<name:org>/holds/lift/", keeping.lifted, name="hold-lift"),
    path("orgs/<name:org>/privacy/", privacy.privacy, name="privacy"),
    path("orgs/<name:org>/privacy/data/", privacy.data, name="privacy-data"),
    path("orgs/<name:org>/privacy/erase/", privacy.erased, name="privacy-erase"),
    path("orgs/<name:org>/schedule/", schedule.edit, name="schedule"),
    path("storage/", storage.every, name="storages"),
    path("alerts/", alerts.inbox, name="alerts"),
    path("alerts/<int:alert>/", alerts.show_one, name="alert"),
    path("alerts/address/", mass_changes.address, name="console-address"),
    path("orgs/<name:org>/mass-changes/<int:backup>/", mass_changes.show, name="mass-changes"),
    path(
        "orgs/<name:org>/mass-changes/<int:backup>/expected/",
        mass_changes.answer,
        name="mass-expected",
    ),
    path("orgs/<name:org>/expected/", mass_changes.silence_list, name="silences"),
    path("orgs/<name:org>/expected/add/", mass_changes.announce, name="mass-expect"),
    path("orgs/<name:org>/expected/mute/", mass_changes.muted, name="mass-mute"),
    path("orgs/<name:org>/expected/end/", mass_changes.end, name="mass-unsilence"),
    path("orgs/<name:org>/thresholds/", mass_limits.edit, name="mass-limits"),
    path("orgs/<name:org>/thresholds/remove/", mass_limits.remove, name="mass-limits-remove"),
    path("alerts/acknowledge/", alerts.acknowledge, name="acknowledge"),
    path("alerts/channels/", alerts.every_channel, name="channels"),
    path("alerts/channels/add/<str:kind>/", alerts.add, name="channel-add"),
    path("alerts/channels/<name:channel>/test/", alerts.test, name="channel-test"),
    path("alerts/channels/<name:channel>/remove/", alerts.remove, name="channel-remove"),
    path("schedules/", schedule.every, name="schedules"),
    path("vault/", vault_state.state, name="vault"),
    path("vault/verify/", vault_state.verified, name="vault-verify"),
    path("vault/mirror/", vault_state.mirrored, name="vault-mirror"),
    path("vault/keys/", vault_keys.show, name="vault-keys"),
    path("vault/keys/test/", vault_keys.tested, name="vault-key-test"),
    path("vault/checks/", vault_state.checks, name="checks"),
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
    path("settings/hidden/", hidden_columns.hidden, name="hidden"),
    path("settings/hidden/<name:org>/hide/", hidden_columns.hide, name="hidden-hide"),
    path("settings/hidden/<name:org>/show/", hidden_columns.show, name="hidden-show"),
    path("settings/sso/", sso.providers, name="sso"),
    path("settings/sso/saml/", sso.saml, name="sso-saml"),
    path("settings/sso/<slug:name>/remove/", sso.remove, name="sso-remove"),
    path("audit/", audit.audit, name="audit"),
    path("audit/verify/", audit.check, name="audit-verify"),
    path("audit/export/", audit.download, name="audit-export"),
    path("style/", style.style, name="style"),
    LazyAPI("api/v1/"),
    path("account/", include("unlost.web.signin.accounts")),
]
