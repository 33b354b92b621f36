import pytest

from dagfactory.emulator.storage.listing import glob_pattern
from dagfactory.emulator.storage.partial_response import select

NAMES = ["a", "dags/a.py", "dags/b.py", "dags/sub/c.py", "dags/sub/d.txt", "dags-old/x", "z", "é"]


@pytest.fixture
def full(bucket):
    for name in reversed(NAMES):
        bucket.blob(name).upload_from_string(name)
    return bucket


def names(iterator):
    return [blob.name for blob in iterator]


def test_names_come_in_byte_order(full):
    assert names(full.list_blobs()) == sorted(NAMES, key=str.encode)


def test_prefix_and_delimiter(full):
    assert names(full.list_blobs(prefix="dags/")) == NAMES[1:5]
    assert names(full.list_blobs(prefix="dags")) == ["dags-old/x", *NAMES[1:5]]
    found = full.list_blobs(prefix="dags/", delimiter="/")
    assert (names(found), found.prefixes) == (["dags/a.py", "dags/b.py"], {"dags/sub/"})
    found = full.list_blobs(delimiter="/")
    assert (names(found), found.prefixes) == (["a", "z", "é"], {"dags/", "dags-old/"})


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages(full, size):
    found = full.list_blobs(page_size=size)
    pages = [[blob.name for blob in page] for page in found.pages]
    assert [name for page in pages for name in page] == sorted(NAMES, key=str.encode)
    assert all(len(page) == size for page in pages[:-1])
    found = full.list_blobs(prefix="dags/", delimiter="/", page_size=1)
    assert (names(found), found.prefixes) == (["dags/a.py", "dags/b.py"], {"dags/sub/"})


def test_offsets_glob_and_fields(full):
    assert names(full.list_blobs(start_offset="dags/b", end_offset="z")) == NAMES[2:5]
    assert names(full.list_blobs(match_glob="dags/*.py")) == NAMES[1:3]
    assert names(full.list_blobs(match_glob="**.{py,txt}")) == NAMES[1:5]
    blob = next(iter(full.list_blobs(fields="items(name,generation),nextPageToken")))
    assert (blob.name, blob.size, blob.generation > 0) == ("a", None, True)


def test_a_bucket_that_does_not_exist(storage):
    from google.api_core.exceptions import NotFound

    with pytest.raises(NotFound, match="bucket does not exist"):
        names(storage.list_blobs("no-such-bucket"))


def test_buckets(storage, bucket):
    from google.api_core.exceptions import BadRequest, Conflict, NotFound

    bucket.versioning_enabled = True
    bucket.labels = {"team": "ml"}
    bucket.patch()
    seen = storage.get_bucket(bucket.name)
    assert (seen.versioning_enabled, seen.labels, seen.metageneration) == (True, {"team": "ml"}, 2)
    assert bucket.name in [each.name for each in storage.list_buckets()]
    assert bucket.test_iam_permissions(["storage.objects.get"]) == ["storage.objects.get"]
    with pytest.raises(Conflict):
        storage.create_bucket(bucket.name)
    bucket.blob("a/b").upload_from_string(b"1")
    with pytest.raises(Conflict, match="not empty"):
        bucket.delete()
    bucket.delete(force=True)
    with pytest.raises(NotFound):
        storage.get_bucket(bucket.name)
    with pytest.raises(BadRequest, match="Invalid bucket name"):
        storage.create_bucket("NoCapitals")


def test_batch(full, storage):
    with storage.batch():
        for name in NAMES[:4]:
            full.blob(name).delete()
    assert names(full.list_blobs()) == sorted(NAMES[4:], key=str.encode)


def test_one_failure_does_not_stop_a_batch(full, storage):
    batch = storage.batch(raise_exception=False)
    with batch:
        full.blob("a").delete(if_generation_match=1)
        full.blob("z").delete()
    assert [answer.status_code for answer in batch._responses] == [412, 204]
    assert full.blob("a").exists()
    assert not full.blob("z").exists()


def test_a_batch_of_patches_answers_each(full, storage):
    blobs = [full.blob("a"), full.blob("z")]
    with storage.batch():
        for blob in blobs:
            blob.metadata = {"name": blob.name}
            blob.patch()
    assert [full.get_blob(name).metadata for name in ("a", "z")] == [{"name": "a"}, {"name": "z"}]


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("a*c", "abbc", "ab/c"),
        ("a**c", "ab/c", "ab/d"),
        ("a?c", "abc", "a/c"),
        ("[a-c]x", "bx", "dx"),
        ("[!a-c]x", "dx", "bx"),
        ("**/x.{py,pyi}", "x.py", "x.pyc"),
        ("a.b", "a.b", "aXb"),
    ],
)
def test_globs(glob, yes, no):
    assert glob_pattern(glob).fullmatch(yes)
    assert not glob_pattern(glob).fullmatch(no)


def test_partial_responses():
    data = {"kind": "k", "items": [{"name": "a", "owner": {"id": 1, "x": 2}}], "nextPageToken": "t"}
    assert select(data, "nextPageToken,items(name,owner/id)") == {
        "items": [{"name": "a", "owner": {"id": 1}}],
        "nextPageToken": "t",
    }
    assert select(data, "items/name") == {"items": [{"name": "a"}]}
    assert select(data, "*") == data
