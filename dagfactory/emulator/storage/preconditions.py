"""Preconditions of the JSON API: generation, metageneration and entity tags."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.http_server import HttpRequest
from dagfactory.emulator.storage.record import ObjectRecord

FAILED = "At least one of the pre-conditions you specified did not hold."


@dataclass(frozen=True, slots=True)
class Preconditions:
    """None: not asked. Generation 0 means that there is no such object."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None
    etag: str | None = None
    not_etag: str | None = None

    def check(self, current: ObjectRecord | None) -> None:
        """Raise 412, or 304 for the 'not' conditions, of reads and of writes.

        https://cloud.google.com/storage/docs/request-preconditions
        """
        generation = 0 if current is None else current.generation
        metageneration = 0 if current is None else current.metageneration
        etag = "" if current is None else current.etag
        wanted = ((self.generation, generation), (self.metageneration, metageneration))
        unwanted = ((self.not_generation, generation), (self.not_metageneration, metageneration))
        if any(asked not in (None, have) for asked, have in (*wanted, (self.etag, etag))):
            raise failed()
        if any(asked == have for asked, have in (*unwanted, (self.not_etag, etag))):
            raise ApiError("FAILED_PRECONDITION", "Not Modified", 304)


def failed() -> ApiError:
    """Return the 412 error."""
    return ApiError("FAILED_PRECONDITION", FAILED, 412)


def of_request(request: HttpRequest) -> Preconditions:
    """Read the conditions on the object a request names; raises INVALID_ARGUMENT."""
    return replace(
        _numbers(request.arg, "if"),
        etag=_etag(request.headers, "if-match"),
        not_etag=_etag(request.headers, "if-none-match"),
    )


def of_source(request: HttpRequest) -> Preconditions:
    """Read the conditions on the source of a copy or rewrite."""
    return _numbers(request.arg, "ifSource")


def of_component(component: Mapping[str, Mapping[str, str]]) -> Preconditions:
    """Read the conditions on one source object of a compose request."""
    asked = component.get("objectPreconditions", {}).get("ifGenerationMatch")
    return Preconditions(generation=None if asked is None else _number("ifGenerationMatch", asked))


def _numbers(arg: Callable[[str], str | None], prefix: str) -> Preconditions:
    def number(name: str) -> int | None:
        text = arg(prefix + name)
        return None if text is None else _number(prefix + name, text)

    return Preconditions(
        number("GenerationMatch"),
        number("GenerationNotMatch"),
        number("MetagenerationMatch"),
        number("MetagenerationNotMatch"),
    )


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ApiError("INVALID_ARGUMENT", f"Invalid value for {name}: {text!r}") from None


def _etag(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return None if value is None else value.removeprefix("W/").strip('"')
