"""A job writes through the FUSE path: plain files are objects, objects are plain files."""

from pathlib import Path

import pytest
from google.api_core.exceptions import PreconditionFailed


@pytest.fixture
def folder(emulator, bucket):
    return Path(emulator.env["GCSFUSE_ROOT"], bucket.name)


def test_a_file_is_an_object_at_once(bucket, folder):
    (folder / "model").mkdir()
    (folder / "model/metrics.json").write_text('{"accuracy": 1}')
    blob = bucket.get_blob("model/metrics.json")
    assert (blob.size, blob.content_type, blob.metageneration) == (15, "application/json", 1)
    assert blob.download_as_text() == '{"accuracy": 1}'
    assert [each.name for each in bucket.list_blobs()] == ["model/metrics.json"]


def test_an_object_is_a_file_at_once(bucket, folder):
    bucket.blob("data/x.txt").upload_from_string(b"hello")
    assert (folder / "data/x.txt").read_bytes() == b"hello"


def test_a_change_behind_the_api_is_a_new_generation(bucket, folder):
    blob = bucket.blob("x")
    blob.metadata = {"k": "v"}
    blob.upload_from_string(b"1")
    (folder / "x").write_bytes(b"2")
    seen = bucket.get_blob("x")
    assert seen.generation > blob.generation
    assert (seen.metadata, seen.download_as_bytes()) == (None, b"2")
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"3", if_generation_match=blob.generation)


def test_a_file_that_replaced_another_by_rename_is_noticed(bucket, folder):
    (folder / "x").write_bytes(b"1")
    first = bucket.get_blob("x").generation
    (folder / "x.tmp").write_bytes(b"2")
    (folder / "x.tmp").rename(folder / "x")
    assert bucket.get_blob("x").generation > first
    assert not bucket.blob("x.tmp").exists()


def test_empty_directories_are_nothing(bucket, folder):
    (folder / "empty/sub").mkdir(parents=True)
    assert list(bucket.list_blobs()) == []
    (folder / "empty/sub").rmdir()
    bucket.blob("empty").upload_from_string(b"1")
    assert (folder / "empty").read_bytes() == b"1"


def test_an_object_survives_with_its_generation(emulator, bucket, folder):
    """What the API wrote is kept in side files, not only in memory."""
    from dagfactory.emulator.storage.object_store import ObjectStore

    blob = bucket.blob("x")
    blob.metadata = {"k": "v"}
    blob.upload_from_string(b"1")
    again = ObjectStore(folder.parent, emulator.state / "gcs-side").get(bucket.name, "x")
    assert (again.generation, again.settings["metadata"]) == (blob.generation, {"k": "v"})
