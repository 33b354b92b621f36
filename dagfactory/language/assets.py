"""Assets: names of data that tasks write and that start pipelines."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import SpecModel, Text, bad, wrong_type

_LONGEST = 1500
"""Characters of an asset's name in Airflow's database."""


def _asset(name: str) -> str:
    """Check a name as Airflow's `Asset` does."""
    if "{{" in name or "{%" in name:
        raise bad("Airflow renders no template in the name of an asset", "write it without")
    if name.lower().startswith("airflow:"):
        raise bad("`airflow:` is reserved by Airflow", "choose another name")
    if not name.isascii():
        raise bad(f"`{shorten(name)}` has characters beyond ASCII", "Airflow refuses those")
    if name in {"self", "context"} or len(name) > _LONGEST:
        raise bad(f"`{shorten(name)}` is not the name of an asset", "choose another name")
    if name.startswith("gs://") and not name.removeprefix("gs://").strip("/"):
        raise bad(f"`{shorten(name)}` lacks a bucket", "write for example `gs://bucket/table`")
    return name


AssetName = Annotated[Text, AfterValidator(_asset)]


def _shape(value: Any) -> Any:
    """Give a plain list, which stands for all of them, the shape of the model."""
    if isinstance(value, list):
        return {"all": value}
    if isinstance(value, dict | AssetCondition):
        return value
    raise wrong_type("a list of assets, `{any: [...]}` or `{all: [...]}`")


class AssetCondition(SpecModel):
    """Any or all of some assets, each a name or a condition of its own."""

    any: list[AssetPart] | None = Field(
        None, description="one of these is enough", min_length=1, examples=[["a", "b"]]
    )
    all: list[AssetPart] | None = Field(
        None, description="each of these is needed", min_length=1, examples=[["a", {"any": ["b"]}]]
    )

    @model_validator(mode="after")
    def _one(self) -> AssetCondition:
        if (self.any is None) == (self.all is None):
            raise bad("a condition on assets has either `any` or `all`")
        return self

    @property
    def parts(self) -> list[AssetPart]:
        """Return what is wanted, of either kind."""
        return self.any or self.all or []


AssetPart = AssetName | AssetCondition
Assets = Annotated[
    AssetCondition,
    BeforeValidator(_shape, json_schema_input_type=AssetCondition | list[AssetPart]),
]
