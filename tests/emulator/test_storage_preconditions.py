from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import NotFound, NotModified, PreconditionFailed
from google.cloud.storage.exceptions import InvalidResponse


@pytest.fixture
def blob(bucket):
    blob = bucket.blob("object")
    blob.upload_from_string(b"old")
    return blob


def upload(blob, **conditions):
    blob.upload_from_string(b"new", **conditions)


def resumable(blob, **conditions):
    blob.chunk_size = 256 * 1024
    blob.upload_from_string(b"n" * 600_000, **conditions)


def delete(blob, **conditions):
    blob.delete(**conditions)


def patch(blob, **conditions):
    blob.metadata = {"k": "v"}
    blob.patch(**conditions)


def copy(blob, **conditions):
    source = blob.bucket.blob("source")
    source.upload_from_string(b"new")
    blob.bucket.copy_blob(source, blob.bucket, blob.name, **conditions)


def compose(blob, **conditions):
    source = blob.bucket.blob("source")
    source.upload_from_string(b"new")
    blob.compose([source], **conditions)


WRITES = [upload, resumable, delete, patch, copy, compose]
CREATES = [upload, resumable, copy, compose]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("stale", [0, 1, -1])
def test_a_write_with_a_stale_generation_changes_nothing(blob, write, stale):
    wanted = stale if stale >= 0 else blob.generation - 1
    with pytest.raises(PreconditionFailed):
        write(blob.bucket.blob("object"), if_generation_match=wanted)
    seen = blob.bucket.get_blob("object")
    assert seen.download_as_bytes() == b"old"
    assert (seen.generation, seen.metageneration) == (blob.generation, 1)


@pytest.mark.parametrize("write", WRITES)
def test_a_write_with_the_live_generation_passes(blob, write):
    write(blob.bucket.blob("object"), if_generation_match=blob.generation)
    seen = blob.bucket.get_blob("object")
    assert seen is None or (seen.generation, seen.metageneration) != (blob.generation, 1)


@pytest.mark.parametrize("write", CREATES)
def test_generation_0_means_no_such_object(bucket, write):
    write(bucket.blob("object"), if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        write(bucket.blob("object"), if_generation_match=0)
    bucket.blob("object").delete()
    write(bucket.blob("object"), if_generation_match=0)


@pytest.mark.parametrize("write", [upload, resumable, delete, patch])
def test_not_match(blob, write):
    with pytest.raises(NotModified):
        write(blob.bucket.blob("object"), if_generation_not_match=blob.generation)
    write(blob.bucket.blob("object"), if_generation_not_match=blob.generation - 1)


@pytest.mark.parametrize("write", WRITES)
def test_metageneration(blob, write):
    with pytest.raises(PreconditionFailed):
        write(blob.bucket.blob("object"), if_metageneration_match=2)
    write(blob.bucket.blob("object"), if_metageneration_match=1)


@pytest.mark.parametrize("write", [delete, patch])  # uploads of the client misspell the parameter
def test_metageneration_not_match(blob, write):
    with pytest.raises(NotModified):
        write(blob.bucket.blob("object"), if_metageneration_not_match=1)
    write(blob.bucket.blob("object"), if_metageneration_not_match=2)


def test_the_loser_of_two_resumable_uploads_gets_412(bucket):
    first, second = bucket.blob("object"), bucket.blob("object")
    first.chunk_size = 256 * 1024
    writer = first.open("wb", if_generation_match=0)
    writer.write(b"1" * 300_000)
    upload(second, if_generation_match=0)
    with pytest.raises(InvalidResponse, match="412"):
        writer.close()
    assert bucket.blob("object").download_as_bytes() == b"new"


def test_of_many_creators_at_once_one_wins(bucket):
    def create(number):
        try:
            bucket.blob("lock").upload_from_string(str(number), if_generation_match=0)
        except PreconditionFailed:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(create, range(40)) if number is not None]
    assert [bucket.blob("lock").download_as_text()] == list(map(str, winners))


def test_of_many_editors_at_once_no_edit_is_lost(bucket):
    """Read, change, write under the generation read; try again when another was faster."""
    bucket.blob("counter").upload_from_string("0")

    def add_one(_number):
        while True:
            blob = bucket.get_blob("counter")
            try:
                value = int(blob.download_as_text(if_generation_match=blob.generation))
                blob.upload_from_string(str(value + 1), if_generation_match=blob.generation)
            except (PreconditionFailed, NotFound):
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(24)))
    assert bucket.blob("counter").download_as_text() == "24"


def test_reads(blob):
    other = blob.generation - 1
    assert blob.download_as_bytes(if_generation_match=blob.generation) == b"old"
    with pytest.raises(PreconditionFailed):
        blob.download_as_bytes(if_generation_match=other)
    with pytest.raises(PreconditionFailed):
        blob.reload(if_metageneration_match=7)
    blob.reload(if_generation_not_match=other, if_etag_match=blob.etag)


def test_an_unchanged_read_is_304(blob, storage):
    url = f"https://storage.googleapis.com/storage/v1/b/{blob.bucket.name}/o/object"
    for extra in ("", "&alt=media"):
        for condition in (
            f"ifGenerationNotMatch={blob.generation}",
            "ifMetagenerationNotMatch=1",
        ):
            answer = storage._http.get(f"{url}?{condition}{extra}")
            assert (answer.status_code, answer.content) == (304, b"")
    answer = storage._http.get(url, headers={"If-None-Match": blob.etag})
    assert answer.status_code == 304


def test_deleting_what_is_not_there_is_404_even_with_a_condition(bucket):
    with pytest.raises(NotFound):
        bucket.blob("none").delete(if_generation_match=5)


def test_source_conditions_of_a_copy(blob):
    with pytest.raises(PreconditionFailed):
        blob.bucket.copy_blob(blob, blob.bucket, "copy", if_source_generation_match=1)
    assert not blob.bucket.blob("copy").exists()
    with pytest.raises(PreconditionFailed):
        blob.bucket.blob("copy").rewrite(blob, if_source_metageneration_match=2)
    blob.bucket.blob("copy").rewrite(blob, if_source_generation_match=blob.generation)


def test_a_412_has_the_words_of_the_service(blob, storage):
    url = f"https://storage.googleapis.com/storage/v1/b/{blob.bucket.name}/o/object"
    error = storage._http.delete(f"{url}?ifGenerationMatch=1").json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (412, "conditionNotMet")


def test_a_condition_that_is_no_number_is_400(blob, storage):
    url = f"https://storage.googleapis.com/storage/v1/b/{blob.bucket.name}/o/object"
    assert storage._http.get(f"{url}?ifGenerationMatch=x").status_code == 400
