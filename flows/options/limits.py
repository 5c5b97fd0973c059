"""What ends a search before its trials are used up: parameters of the flow, options of commands."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import Field

TIMEOUT = "Seconds after which no more trials begin."
TARGET = "Score that is good enough: no more trials begin once one has it."
PATIENCE = "Trials that may end without a better score than the best."
EPOCHS = "Epochs that all trials together may train."
HOURS = "Hours that all trials together may train."

Timeout = Annotated[
    float | None, Field(description=TIMEOUT, gt=0), typer.Option(min=1, help=TIMEOUT)
]
Target = Annotated[
    float | None, Field(description=TARGET, allow_inf_nan=False), typer.Option(help=TARGET)
]
Patience = Annotated[
    int | None, Field(description=PATIENCE, ge=1), typer.Option(min=1, help=PATIENCE)
]
MaxTotalEpochs = Annotated[
    int | None, Field(description=EPOCHS, ge=1), typer.Option(min=1, help=EPOCHS)
]
MaxDeviceHours = Annotated[
    float | None, Field(description=HOURS, ge=0.001), typer.Option(min=0.001, help=HOURS)
]
