import os

import pytest
from google.api_core.exceptions import NotFound

UPLOAD = "https://storage.googleapis.com/upload/storage/v1/b"
UNIT = 256 * 1024


@pytest.fixture
def http(storage):
    return storage._http


def begin(http, bucket, name):
    answer = http.post(f"{UPLOAD}/{bucket.name}/o?uploadType=resumable", json={"name": name})
    assert answer.status_code == 200
    return answer.headers["Location"]


def put(http, location, data, content_range):
    return http.put(location, data=data, headers={"Content-Range": content_range})


def test_resumable_in_chunks(bucket):
    data = os.urandom(3 * UNIT + 17)
    bucket.blob("big", chunk_size=UNIT).upload_from_string(data)
    assert bucket.blob("big", chunk_size=UNIT).download_as_bytes() == data


def test_resumable_of_unknown_length(bucket):
    data = os.urandom(2 * UNIT)
    with bucket.blob("big").open("wb", chunk_size=UNIT) as file:
        file.write(data)
    assert bucket.blob("big").download_as_bytes() == data


def test_an_interrupted_upload_says_how_far_it_got(bucket, http):
    location = begin(http, bucket, "x")
    asked = put(http, location, b"", "bytes */*")
    assert (asked.status_code, asked.headers.get("Range")) == (308, None)
    data = os.urandom(UNIT + 10)
    first = put(http, location, data[:UNIT], f"bytes 0-{UNIT - 1}/*")
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{UNIT - 1}")
    repeated = put(http, location, data, f"bytes 0-{UNIT + 9}/{UNIT + 10}")
    assert (repeated.status_code, repeated.json()["size"]) == (200, str(UNIT + 10))
    assert bucket.blob("x").download_as_bytes() == data
    asked = put(http, location, b"", f"bytes */{UNIT + 10}")
    assert (asked.status_code, asked.json()) == (200, repeated.json())


def test_a_gap_and_an_odd_chunk_are_refused(bucket, http):
    location = begin(http, bucket, "x")
    assert put(http, location, b"12345", "bytes 5-9/10").status_code == 400
    assert put(http, location, b"12345", "bytes 0-4/*").status_code == 400


def test_a_cancelled_upload_is_gone(bucket, http):
    location = begin(http, bucket, "x")
    assert http.delete(location).status_code == 499
    assert put(http, location, b"1", "bytes 0-0/1").status_code == 404
    assert not bucket.blob("x").exists()


def test_media_upload_and_chunked_transfer_encoding(bucket, http):
    url = f"{UPLOAD}/{bucket.name}/o?uploadType=media&name=x"
    parts = iter([b"one ", b"two"])
    answer = http.post(url, data=parts, headers={"Content-Type": "text/plain"})
    assert (answer.json()["size"], answer.json()["contentType"]) == ("7", "text/plain")


def test_an_upload_nobody_began_is_not_found(bucket, http):
    location = begin(http, bucket, "x").replace("upload_id=", "upload_id=0")
    assert put(http, location, b"", "bytes */*").status_code == 404


def test_a_bucket_that_does_not_exist_is_not_found(storage, bucket, http):
    missing = storage.bucket("not-there")
    for call in (
        lambda: missing.blob("x").upload_from_string(b"1"),
        lambda: missing.blob("x").download_as_bytes(),
        lambda: list(missing.list_blobs()),
        lambda: bucket.copy_blob(bucket.blob("x"), missing),
    ):
        with pytest.raises(NotFound, match="The specified bucket does not exist"):
            call()
    url = f"{UPLOAD}/not-there/o?uploadType=resumable&name=x"
    assert http.post(url, json={}).status_code == 404
    assert storage.lookup_bucket("not-there") is None


@pytest.mark.parametrize(
    ("query", "body"),
    [("uploadType=odd", b""), ("uploadType=media", b"x"), ("uploadType=multipart", b"no parts")],
)
def test_malformed_uploads_are_400(bucket, http, query, body):
    assert http.post(f"{UPLOAD}/{bucket.name}/o?{query}", data=body).status_code == 400
