"""Global describe, describe and the basic form, with conditional requests."""

from __future__ import annotations

import json

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.rest import conditional
from unlost_simulators.salesforce.http.rest.conditional import Validators
from unlost_simulators.salesforce.model.answers import Described


def global_describe(context: Context) -> Answer:
    """Answer ``GET sobjects``."""
    described = context.sim.org.describe_global(context.user, version=context.release)
    return _conditional(context, described, "")


def describe(context: Context) -> Answer:
    """Answer ``GET sobjects/X/describe``."""
    name = context.params["object"]
    described = context.sim.org.describe(context.user, name, version=context.release)
    return _conditional(context, described, name.lower())


def basic(context: Context) -> Answer:
    """Answer ``GET sobjects/X``: the object's entry of the global describe."""
    name = context.params["object"].lower()
    known = context.sim.org.describe(context.user, name, version=context.release).body["name"]
    listing = context.sim.org.describe_global(context.user, version=context.release).body
    entry = next(each for each in listing["sobjects"] if each["name"] == known)
    return json_answer({"objectDescribe": entry, "recentItems": []})


def _conditional(context: Context, described: Described, name: str) -> Answer:
    content = json.dumps(described.body, sort_keys=True).encode()
    etag, modified = context.sim.stamps.stamp((context.user.id, name), content)
    return conditional.answer(context.call, described.body, Validators(etag, modified))
