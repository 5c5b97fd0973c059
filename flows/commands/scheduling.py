"""The times of a search on a schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Self

import typer

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.schedules import Schedule

CRON = 'When to search: minute, hour, day, month, weekday, such as "0 2 * * *".'
Timezone = Annotated[
    str, typer.Option(help="Of the schedule, and of {date} and {time}, such as Europe/Berlin.")
]


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


@dataclass(frozen=True, slots=True)
class Paused:
    """What was paused of a deployment: it stays so when the deployment is replaced."""

    deployment: bool = False
    schedule: bool = False

    @classmethod
    def read(cls, client: SyncPrefectClient, name: str) -> Self:
        """What is paused of a deployment now; nothing where there is none.

        Args:
            client: Of its server.
            name: `FLOW/DEPLOYMENT`.
        """
        from prefect.exceptions import ObjectNotFound

        try:
            found = client.read_deployment_by_name(name)
        except ObjectNotFound:
            return cls()
        active = [each.active for each in found.schedules]
        return cls(found.paused, bool(active) and not any(active))

    def applied_to(self, schedule: Schedule) -> Schedule:
        """A schedule, paused if the one before it was."""
        return replace(schedule, active=not self.schedule)
