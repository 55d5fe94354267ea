"""All objects of the chocolate maker's org, and the ids of their rows."""

from __future__ import annotations

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.scenarios.chocolate.declared import (
    objects_access,
    objects_custom,
    objects_exotic,
    objects_files,
    objects_people,
    objects_sales,
    objects_satellites,
    objects_service,
    objects_setup,
)
from unlost_simulators.salesforce.scenarios.chocolate.world import Keys

OBJECTS: tuple[ObjectDef, ...] = (
    *objects_setup.OBJECTS,
    *objects_access.OBJECTS,
    *objects_people.OBJECTS,
    *objects_sales.OBJECTS,
    *objects_service.OBJECTS,
    *objects_files.OBJECTS,
    *objects_custom.OBJECTS,
    *objects_satellites.OBJECTS,
    *objects_exotic.OBJECTS,
)
BY_NAME = {definition.name: definition for definition in OBJECTS}
KEYS = Keys(OBJECTS)
