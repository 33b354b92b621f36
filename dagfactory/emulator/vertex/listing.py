"""List methods: filter, order, page."""

import base64
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf import json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.vertex.filters import compile_filter

DEFAULT_PAGE = 100


def fill_page(
    response: Any,
    field: str,
    resources: Iterable[Any],
    request: Any,
    as_filtered: Callable[[Any], dict[str, Any]] = json_format.MessageToDict,
) -> Any:
    """Put the requested page of the resources that pass `request.filter` into the response.

    A page token is the offset of the next page. Raises INVALID_ARGUMENT.
    """
    text = getattr(request, "filter", "")
    test = compile_filter(text)
    found = [each for each in resources if test(as_filtered(each))] if text else list(resources)
    start, size = _offset(request.page_token), request.page_size or DEFAULT_PAGE
    getattr(response, field).extend(found[start : start + size])
    if start + size < len(found):
        response.next_page_token = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return response


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise ApiError("INVALID_ARGUMENT", f"Invalid page token: {token}") from None
