"""What a search on a schedule is given: its times, and the parameters of its runs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.search import search

if TYPE_CHECKING:
    from prefect.schedules import Schedule

CRON = 'When to search: minute, hour, day, month, weekday, such as "0 2 * * *".'
Timezone = Annotated[str, typer.Option(help="Of the schedule, such as Europe/Berlin.")]


def schedule_of(cron: str, timezone: str) -> Schedule:
    """The schedule of a cron expression.

    Raises:
        ValueError: It is none, or there is no such time zone.
    """
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.schedules import Cron
    from pydantic import ValidationError

    try:
        CronSchedule(cron=cron, timezone=timezone)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        msg = (
            'Expected --cron to say minute, hour, day, month and weekday, such as "0 2 * * *", '
            f"and --timezone to be a name such as Europe/Berlin. Received: cron={cron!r}, "
            f"timezone={timezone!r}: {why}"
        )
        raise ValueError(msg) from None
    return Cron(cron, timezone)


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a search that are not as they are anyway."""
    known = inspect.signature(search).parameters
    return {name: value for name, value in options.items() if value != known[name].default}
