"""What `run` and `up` say of an error that ends them."""

from collections.abc import Iterator

import click

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.run.events import RunError


def lines(error: DagfactoryError) -> Iterator[str]:
    """Yield an error's message, and its details below."""
    yield str(error)
    yield from error.details if isinstance(error, RunError) else ()


def tell(error: DagfactoryError) -> int:
    """Print an error with its details on stderr, and return its exit code."""
    message, *details = lines(error)
    click.echo("\n".join([f"error: {message}", *(f"  │ {line}" for line in details)]), err=True)
    return error.exit_code
