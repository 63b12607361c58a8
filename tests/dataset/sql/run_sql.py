"""Runs queries in an engine: run_sql.py ENGINE < JSON list of SQL texts. Prints a JSON list of the rows of each."""

import json
import sys


def duckdb_rows(queries):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'Asia/Tokyo'")
    return [[list(row) for row in connection.execute(sql).fetchall()] for sql in queries]


def chdb_rows(queries):
    import chdb

    rows = []
    for sql in queries:
        text = str(chdb.query(sql.rstrip().rstrip(";"), "JSONCompactEachRow"))
        rows.append([json.loads(line) for line in text.splitlines() if line])
    return rows


def spark_rows(queries):
    from pyspark.sql import SparkSession

    # small data: what Spark does to be fast with large data takes longer than the queries
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "Asia/Tokyo",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    }
    builder = SparkSession.builder.master("local[1]").appName("pmuctl")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        return [[list(row) for row in spark.sql(sql).collect()] for sql in queries]
    finally:
        spark.stop()


RUN = {"duckdb": duckdb_rows, "clickhouse": chdb_rows, "spark": spark_rows}
json.dump(RUN[sys.argv[1]](json.load(sys.stdin)), sys.stdout, default=lambda value: float(value))
