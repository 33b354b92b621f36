import base64
import hashlib
import os

import google_crc32c
import pytest
from google.api_core import exceptions


def test_upload_and_download(bucket):
    data = os.urandom(100_000) + b"\r\n--x\r\n\n"
    blob = bucket.blob("a/b c/ü%2F.bin")
    blob.metadata = {"sha": "abc"}
    blob.upload_from_string(data, content_type="text/x-python")
    seen = bucket.get_blob("a/b c/ü%2F.bin")
    assert seen.download_as_bytes() == data
    assert seen.md5_hash == base64.b64encode(hashlib.md5(data).digest()).decode()  # noqa: S324
    assert base64.b64decode(seen.crc32c) == google_crc32c.value(data).to_bytes(4, "big")
    assert (seen.size, seen.content_type, seen.metadata) == (
        len(data),
        "text/x-python",
        {"sha": "abc"},
    )
    assert seen.metageneration == 1


def test_an_empty_object(bucket):
    bucket.blob("empty").upload_from_string(b"")
    assert bucket.get_blob("empty").download_as_bytes() == b""


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 6), (5, None), (0, 99), (9, 9)])
def test_ranges(bucket, start, end):
    data, blob = b"0123456789", bucket.blob("digits")
    blob.upload_from_string(data)
    expected = data[start:] if end is None else data[start : end + 1]
    assert blob.download_as_bytes(start=start, end=end) == expected


def test_a_range_beyond_the_end_is_416(bucket):
    blob = bucket.blob("digits")
    blob.upload_from_string(b"0123456789")
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=10)


def test_open_for_reading_and_writing(bucket):
    with bucket.blob("lines.txt").open("w") as file:
        file.writelines(f"{number}\n" for number in range(1000))
    with bucket.blob("lines.txt").open("r") as file:
        assert sum(map(int, file)) == 499_500


def test_generations_grow_and_metageneration_counts_patches(bucket):
    blob, generations = bucket.blob("x"), []
    for number in range(20):
        blob.upload_from_string(str(number))
        generations.append(blob.generation)
    assert generations == sorted(set(generations))
    blob.metadata = {"a": "1", "b": "2"}
    blob.patch()
    blob.metadata = {"a": None}
    blob.patch()
    seen = bucket.get_blob("x")
    assert (seen.generation, seen.metageneration, seen.metadata) == (
        generations[-1],
        3,
        {"b": "2"},
    )


def test_an_overwrite_drops_old_metadata(bucket):
    blob = bucket.blob("x")
    blob.metadata = {"a": "1"}
    blob.upload_from_string(b"1")
    bucket.blob("x").upload_from_string(b"2")
    assert bucket.get_blob("x").metadata is None


def test_an_old_generation_is_not_found(bucket):
    blob = bucket.blob("x")
    blob.upload_from_string(b"1")
    old = blob.generation
    bucket.blob("x").upload_from_string(b"2")
    with pytest.raises(exceptions.NotFound):
        bucket.blob("x", generation=old).download_as_bytes()


def test_delete(bucket):
    blob = bucket.blob("x")
    blob.upload_from_string(b"1")
    assert blob.exists()
    blob.delete()
    assert not blob.exists()
    with pytest.raises(exceptions.NotFound, match="No such object"):
        blob.delete()


def test_copy_rewrite_compose(bucket):
    first = bucket.blob("first")
    first.metadata = {"k": "v"}
    first.upload_from_string(b"one ", content_type="text/plain")
    copy = bucket.copy_blob(first, bucket, "copy")
    assert (copy.metadata, copy.content_type) == ({"k": "v"}, "text/plain")
    token, done, total = bucket.blob("rewritten").rewrite(first)
    assert (token, done, total) == (None, 4, 4)
    both = bucket.blob("both")
    both.compose([first, bucket.blob("rewritten")])
    assert both.download_as_bytes() == b"one one "
    seen = bucket.get_blob("both")
    assert (seen.component_count, seen.md5_hash) == (2, None)


def test_compose_with_a_source_that_changed_is_412(bucket):
    source = bucket.blob("source")
    source.upload_from_string(b"1")
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("target").compose([source], if_source_generation_match=[1])
    assert not bucket.blob("target").exists()


def test_a_wrong_checksum_is_refused(bucket):
    blob = bucket.blob("x")
    blob.md5_hash = base64.b64encode(bytes(16)).decode()
    with pytest.raises(exceptions.BadRequest, match="md5Hash"):
        blob.upload_from_string(b"data")
    assert not bucket.blob("x").exists()


def test_a_folder_placeholder_is_an_object(bucket):
    bucket.blob("folder/").upload_from_string(b"")
    bucket.blob("folder/x").upload_from_string(b"1")
    assert [blob.name for blob in bucket.list_blobs()] == ["folder/", "folder/x"]
    bucket.blob("folder/").delete()
    assert [blob.name for blob in bucket.list_blobs()] == ["folder/x"]


@pytest.mark.parametrize("name", ["a/" + "x" * 256, "../x", "a//b", "a/./b", "/a", "a\0b"])
def test_names_that_cannot_be_files_are_refused(bucket, name):
    with pytest.raises(exceptions.BadRequest, match="Invalid object name"):
        bucket.blob(name).upload_from_string(b"1")


def test_an_object_cannot_be_a_folder_of_another(bucket):
    bucket.blob("a").upload_from_string(b"1")
    with pytest.raises(exceptions.BadRequest, match="cannot hold"):
        bucket.blob("a/b").upload_from_string(b"1")
