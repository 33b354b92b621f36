"""`bigquery`: SQL, its destination and limits as a JobConfiguration."""

from __future__ import annotations

import pytest

from dagfactory.tasks._bigquery import table_parts

QUERY = "type: bigquery\nquery: SELECT 1\n"


def test_a_query_alone(lowered):
    made = lowered(QUERY)
    assert made.symbol.name == "LazyOperator"
    assert made.arguments["operator"].endswith(".operators.bigquery.BigQueryInsertJobOperator")
    assert made.arguments["arguments"] == {
        "configuration": {
            "query": {"query": "SELECT 1", "useLegacySql": False},
            "labels": {"team": "ml"},
        },
        "project_id": "demo-project",
        "deferrable": True,
    }


def test_a_destination_with_everything(arguments):
    made = arguments(
        """
        type: bigquery
        query: SELECT * FROM images WHERE date = @day AND split IN UNNEST(@splits)
        parameters:
          day: {type: DATE, value: "{{ ds }}"}
          splits: [train, val]
          limit: 5
          ratio: 0.5
          fresh: true
          nothing: {type: STRING, value: null}
        destination: ${env.project}.features.images$20260105
        write_disposition: append
        create_disposition: never
        partition: {field: date, by: month, expires: 90d}
        clustering: [split, label]
        schema_update: [allow_field_addition]
        dataset: demo-project.raw
        max_bytes_billed: 1.5 TiB
        cache: false
        batch: true
        location: europe-west4
        project: billing-project
        labels: {cost: data}
        kms_key: projects/p/locations/eu/keyRings/r/cryptoKeys/k
        poll: 10s
        timeout: 2h
        connection: google_data
        impersonate: [a@p.iam.gserviceaccount.com]
        """
    )
    query = made["configuration"]["query"]
    assert query["destinationTable"] == {
        "projectId": "demo-project",
        "datasetId": "features",
        "tableId": "images$20260105",
    }
    assert (query["writeDisposition"], query["createDisposition"]) == (
        "WRITE_APPEND",
        "CREATE_NEVER",
    )
    assert query["timePartitioning"] == {
        "type": "MONTH",
        "field": "date",
        "expirationMs": "7776000000",
    }
    assert query["clustering"] == {"fields": ["split", "label"]}
    assert query["schemaUpdateOptions"] == ["ALLOW_FIELD_ADDITION"]
    assert query["defaultDataset"] == {"projectId": "demo-project", "datasetId": "raw"}
    assert query["maximumBytesBilled"] == str(int(1.5 * 2**40))
    assert (query["useQueryCache"], query["priority"]) == (False, "BATCH")
    assert query["destinationEncryptionConfiguration"]["kmsKeyName"].endswith("/k")
    assert made["configuration"]["jobTimeoutMs"] == "7200000"
    assert made["configuration"]["labels"] == {"team": "ml", "cost": "data"}
    assert (made["project_id"], made["location"]) == ("billing-project", "europe-west4")
    assert (made["gcp_conn_id"], made["poll_interval"]) == ("google_data", 10)
    assert made["impersonation_chain"] == ["a@p.iam.gserviceaccount.com"]
    found = {each.pop("name"): each for each in query["queryParameters"]}
    assert query["parameterMode"] == "NAMED"
    assert found == {
        "day": {"parameterType": {"type": "DATE"}, "parameterValue": {"value": "{{ ds }}"}},
        "splits": {
            "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
            "parameterValue": {"arrayValues": [{"value": "train"}, {"value": "val"}]},
        },
        "limit": {"parameterType": {"type": "INT64"}, "parameterValue": {"value": "5"}},
        "ratio": {"parameterType": {"type": "FLOAT64"}, "parameterValue": {"value": "0.5"}},
        "fresh": {"parameterType": {"type": "BOOL"}, "parameterValue": {"value": "true"}},
        "nothing": {"parameterType": {"type": "STRING"}, "parameterValue": {"value": None}},
    }


def test_ranges(arguments):
    made = arguments(
        QUERY + "destination: demo-project.d.t\n"
        "partition: {field: id, range: {start: 0, end: 100, interval: 10}}"
    )
    assert made["configuration"]["query"]["rangePartitioning"] == {
        "field": "id",
        "range": {"start": "0", "end": "100", "interval": "10"},
    }


def test_outputs_name_the_table(compiled):
    plan = compiled(QUERY + "destination: demo-project.d.t").plan
    assert plan
    assert plan.tasks["it"].outputs["uri"] == "bq://demo-project.d.t"
    assert set(compiled(QUERY).plan.tasks["it"].outputs) == {"job"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("p.d.t", ["p", "d", "t"]),
        ("example.com:p.d.t", ["example.com:p", "d", "t"]),
        ("${env.project}.d.{{ params.t }}", ["${env.project}", "d", "{{ params.t }}"]),
        ("p.d.t_{{ ds_nodash }}", ["p", "d", "t_{{ ds_nodash }}"]),
        ("{{ params.table }}", ["{{ params.table }}"]),
    ],
)
def test_dots_of_templates_split_no_table(text, parts):
    assert table_parts(text) == parts


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("write_disposition: append", "`write_disposition` is about a table"),
        ("destination: d.t", "`d.t` is not a table"),
        ("destination: p.d.", "`p.d.` is not a table"),
        ('destination: "{{ params.table }}"', "`{{ params.table }}` is not a table"),
        ("max_bytes_billed: 500 gigs", "`500 gigs` is not a size"),
        ("dataset: a.b.c", "`a.b.c` is not a dataset"),
        (
            "destination: p.d.t\nwrite_disposition: empty\nschema_update: [allow_field_addition]",
            "`schema_update` needs rows to add to",
        ),
        (
            "destination: p.d.t\npartition: {range: {start: 0, end: 1, interval: 1}}",
            "`range` needs the column it is about",
        ),
        (
            "destination: p.d.t\npartition: {field: a, by: day, range: {start: 0, end: 1, interval: 1}}",
            "`by` is for partitions by time",
        ),
        (
            "destination: p.d.t\npartition: {field: a, range: {start: 5, end: 1, interval: 1}}",
            "`end` is not above `start`",
        ),
    ],
)
def test_faults(faults, more, message):
    assert faults(QUERY + more) == [("DF123", message)]


def test_a_file_is_not_a_query(faults):
    (found,) = faults("type: bigquery\nquery: sql/features.sql")
    assert found == ("DF123", "`sql/features.sql` is the name of a file")


def test_it_needs_a_project(faults):
    assert [code for code, _ in faults(QUERY, None)] == ["DF113"]
    assert faults(QUERY + "project: my-project", None) == []
