"""Describes of objects that are neither standard nor plain custom: metadata, big, external, events.

Each kind has a different suffix. Custom metadata can be read but is restored by deployment only; a
big object answers queries along its index; an external object is stored elsewhere. Declares only.
"""

from __future__ import annotations

from unlost_simulators.salesforce.model.schema import ObjectDef, QueryRule
from unlost_simulators.salesforce.scenarios.chocolate.declared.fields import (
    audit,
    day,
    flag,
    instant,
    number,
    table,
    text,
)

PLANT = table(
    "Plant__mdt",
    "m00",
    text("DeveloperName", 40, required=True, name_field=True, label="Plant Name"),
    text("MasterLabel", 40, required=True, label="Label"),
    text("Language", 40, read_only=True),
    text("NamespacePrefix", 15, read_only=True, label="Namespace Prefix"),
    text("QualifiedApiName", 70, read_only=True, label="Qualified API Name"),
    number("Lines__c", 3, 0),
    flag("Nut_Free__c", label="Nut Free"),
    *(field for field in audit() if field.name == "SystemModstamp"),
    flags="Q",
    deleted=False,
    plural="Plants",
    storage_bytes=None,
)

SENSOR_LOG = table(
    "Sensor_Log__b",
    "s00",
    text("Sensor__c", 40, required=True),
    instant("Measured_At__c", required=True, label="Measured At"),
    number("Celsius__c", 6, 2),
    *(field for field in audit() if field.name.startswith("Created")),
    flags="QC",
    deleted=False,
    bulk=False,
    empty_key=True,
    plural="Sensor Logs",
    rule=QueryRule(
        required_filter=("Sensor__c",),
        message="Implementation restriction: the first field of the index, Sensor__c, must be filtered",
    ),
    storage_bytes=None,
)

WEB_ORDER = table(
    "Web_Order__x",
    "x00",
    text("ExternalId", 255, label="External ID"),
    text("DisplayUrl", 1_000, label="Display URL"),
    text("Basket__c", 255),
    flags="QCUD",
    deleted=False,
    bulk=False,
    plural="Web Orders",
    rule=QueryRule(
        required_filter=("Id",),
        code="EXTERNAL_OBJECT_EXCEPTION",
        message="Transient error: the external system could not be reached",
    ),
    storage_bytes=None,
)

BATCH_ALARM = table(
    "Batch_Alarm__e",
    "e00",
    text("ReplayId", 1_000, read_only=True),
    text("Batch_Number__c", 30),
    number("Temperature__c", 5, 1),
    day("Alarm_Day__c"),
    flags="C",
    deleted=False,
    retrieveable=False,
    plural="Batch Alarms",
    storage_bytes=None,
)

OBJECTS: tuple[ObjectDef, ...] = (PLANT, SENSOR_LOG, WEB_ORDER, BATCH_ALARM)
