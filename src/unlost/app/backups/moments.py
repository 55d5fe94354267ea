"""Parse moments for actions; their meaning is documented in ``unlost.engine.moments``."""

from unlost.engine.moments import (
    LATEST,
    LIVE,
    Latest,
    LiveMoment,
    Moment,
    Numbered,
    Past,
    Until,
    backup_at,
    end_of_day,
    last_observation,
    parse_moment,
    parse_past,
    proof_of_night,
    resolve,
)

__all__ = [
    "LATEST", "LIVE", "Latest", "LiveMoment", "Moment", "Numbered", "Past", "Until", "backup_at",
    "end_of_day", "last_observation", "parse_moment", "parse_past", "proof_of_night", "resolve",
]  # fmt: skip
