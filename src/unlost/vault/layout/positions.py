"""Positions of ids in an array of ids. Pure."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def positions(ids_found: pa.ChunkedArray, ids: pa.Array) -> NDArray[np.int64]:
    """The position in ``ids`` of each of the ids found."""
    at = pc.index_in(ids_found, value_set=ids)
    return np.asarray(at.to_numpy(), dtype=np.int64)
