"""The door without TLS: unmodified clients keep the secret in its address."""

import json
import subprocess
import sys

import processes

AIO = """
import asyncio, json, sys
import aiohttp
from gcloud.aio.storage import Storage
async def main(bucket):
    async with aiohttp.ClientSession() as session:
        storage = Storage(session=session)
        await storage.upload(bucket, "small", b"one")
        await storage.upload(bucket, "big", b"2" * 300000, force_resumable_upload=True)
        await storage.copy(bucket, "small", bucket, new_name="copy")
        listed = await storage.list_objects(bucket)
        size = (await storage.download_metadata(bucket, "big"))["size"]
        await storage.delete(bucket, "small")
        names = sorted(item["name"] for item in listed["items"])
        return names, size, (await storage.download(bucket, "copy")).decode()
print(json.dumps(asyncio.run(main(sys.argv[1]))))
"""
GOOGLE = """
import json, sys
from google.cloud import storage
client = storage.Client(project="demo")
bucket = client.bucket(sys.argv[1])
bucket.blob("small").upload_from_string("one")
bucket.blob("big", chunk_size=262144).upload_from_string(b"2" * 300000)
with client.batch():
    for name in ("small", "big"):
        bucket.blob(name).patch()
bucket.copy_blob(bucket.blob("small"), bucket, "copy")
bucket.blob("small").delete()
names = [blob.name for blob in client.list_blobs(bucket)]
print(json.dumps([names, bucket.get_blob("big").size, bucket.blob("copy").download_as_text()]))
"""


def run(emulator, code, bucket):
    done = processes.run(
        [sys.executable, "-W", "ignore", "-c", code, bucket.name],
        env=emulator.environ() | emulator.direct,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


def test_gcloud_aio(emulator, bucket):
    assert run(emulator, AIO, bucket) == [["big", "copy", "small"], "300000", "one"]


def test_google_cloud_storage(emulator, bucket):
    assert run(emulator, GOOGLE, bucket) == [["big", "copy"], 300000, "one"]


def test_no_log_shows_the_secret(emulator):
    secret = emulator.direct["STORAGE_EMULATOR_HOST"].rpartition("/")[2]
    assert secret not in (emulator.state / "emulator.log").read_text()
