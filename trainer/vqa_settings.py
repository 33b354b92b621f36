"""Settings of the programs that read and write VQAv2 files; importable without torch."""

from pydantic import Field

from trainer.settings import Address, Positive, Settings


class VqaSettings(Settings):
    """`python -m trainer.vqa`: VQAv2 files into the exchange format."""

    input: Address = Field(description="directory of VQAv2 files and image folders")
    train: str = Field(
        default="train2014", min_length=1, description="data subset that becomes split train"
    )
    held_out: str = Field(
        default="val2014", min_length=1, description="data subset that becomes split held_out"
    )
    side: int = Field(
        default=256, ge=16, le=4096, description="pixels per side that images are resized to"
    )
    questions: Positive = Field(
        default=1, description="questions per line; an image with more becomes several lines"
    )
    shard: Positive = Field(default=500, description="lines per shard file")


class VqaExportSettings(Settings):
    """`python -m trainer.vqa_export`: the exchange format into VQAv2 files."""

    input: Address = Field(description="directory or glob of JSON-lines shards")
