"""Pictures of a search, for a page, a notebook or a server. Needs the extra `report`."""

from __future__ import annotations

import importlib
from types import ModuleType


def drawing(name: str) -> ModuleType:
    """The module of this package that draws, imported when somebody wants a picture.

    Raises:
        ImportError: The libraries that draw are not installed.
    """
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ImportError as error:
        msg = "Expected the libraries that draw figures. Install them: pip install"
        raise ImportError(f"{msg} 'trialflow[report]'. Received: {error}.") from error
