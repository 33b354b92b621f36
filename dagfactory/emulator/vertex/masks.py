"""Update masks: which fields of a resource a PATCH changes."""

from typing import Any

from dagfactory.emulator.errors import ApiError


def apply_mask(stored: Any, change: Any, mask: Any) -> None:
    """Copy the masked top-level fields (a `labels.x` path copies `labels`) into `stored`.

    Unlike FieldMask.MergeMessage this replaces maps and lists, as the service does.
    Raises INVALID_ARGUMENT for an empty mask or an unknown field.
    """
    paths = [path for path in mask.paths if path]
    if not paths:
        raise ApiError("INVALID_ARGUMENT", "update_mask is required.")
    known = stored.DESCRIPTOR.fields_by_name
    for path in paths:
        name = path.split(".")[0]
        if name not in known:
            raise ApiError("INVALID_ARGUMENT", f"update_mask: unknown field {path!r}.")
        stored.ClearField(name)
        part = type(change)()
        part.CopyFrom(change)
        for other in known:
            if other != name:
                part.ClearField(other)
        stored.MergeFrom(part)
