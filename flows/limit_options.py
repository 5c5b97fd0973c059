"""What ends a search before its trials are used up: options of commands, parameters of the flow."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import Field

TIMEOUT = "Seconds after which no more trials begin."
TARGET = "Score that is good enough: no more trials begin once one has it."
PATIENCE = "Trials that may end without a better score than the best."
EPOCHS = "Epochs that all trials together may train."
HOURS = "Hours that all trials together may train."

Timeout = Annotated[float | None, Field(description=TIMEOUT, gt=0)]
Target = Annotated[float | None, Field(description=TARGET, allow_inf_nan=False)]
Patience = Annotated[int | None, Field(description=PATIENCE, ge=1)]
MaxTotalEpochs = Annotated[int | None, Field(description=EPOCHS, ge=1)]
MaxDeviceHours = Annotated[float | None, Field(description=HOURS, gt=0)]

TimeoutOption = Annotated[float | None, typer.Option(min=1, help=TIMEOUT)]
TargetOption = Annotated[float | None, typer.Option(help=TARGET)]
PatienceOption = Annotated[int | None, typer.Option(min=1, help=PATIENCE)]
MaxTotalEpochsOption = Annotated[int | None, typer.Option(min=1, help=EPOCHS)]
MaxDeviceHoursOption = Annotated[float | None, typer.Option(min=0, help=HOURS)]
