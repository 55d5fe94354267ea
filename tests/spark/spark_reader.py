"""Read exports by Spark, as anybody's program does, and lay what it gave down for comparing.

Runs in an environment of its own and imports nothing of this project. Arguments: the folder for what was read,
and then for each export ``name=format:path`` or ``name=format@version:path``. Two workers read.
"""

import os
import sys
from pathlib import Path

os.environ["SAIL_MODE"] = "local-cluster"

import pyarrow.feather as feather
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession


def main() -> None:
    """Read all that is named."""
    out = Path(sys.argv[1])
    server = SparkConnectServer()
    server.start(background=True)
    _, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    session.conf.set("spark.sql.caseSensitive", "true")
    for word in sys.argv[2:]:
        name, what = word.split("=", 1)
        form, path = what.split(":", 1)
        form, _, version = form.partition("@")
        reader = session.read.format(form)
        if version:
            reader = reader.option("versionAsOf", version)
        rows = reader.load(path)
        feather.write_feather(rows.toArrow(), out / f"{name}.arrow")
        rows.createOrReplaceTempView(name)
        counted = session.sql(f"SELECT count(*) AS n, count(DISTINCT _u_id) AS ids FROM {name}")
        feather.write_feather(counted.toArrow(), out / f"{name}.count.arrow")
    session.stop()
    server.stop()


if __name__ == "__main__":
    main()
