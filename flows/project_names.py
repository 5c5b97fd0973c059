"""Templates of project names, such as `churn-{date}`. Knows nothing of Prefect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from storage import ProjectPaths, open_store, project_url, split_url

MOMENTS = {"date": ("%Y-%m-%d", r"\d{4}-\d{2}-\d{2}"), "time": ("%H%M%S", r"\d{6}")}
"""What may stand in braces: how it is written, and a pattern of what is written."""

_PLACE = re.compile(r"\{([^{}]*)\}")


def project_name_of(study: str, project_name: str | None) -> str:
    """The project's name: as given, or that of the study file."""
    if project_name is not None:
        return project_name
    stem = Path(study).stem if study.endswith(".py") else study.rsplit(".", 1)[-1]
    return re.sub(r"[^A-Za-z0-9_-]", "-", stem)


def is_template(name: str | None) -> bool:
    """Whether a project's name has something in braces."""
    return name is not None and "{" in name


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A project's name with `{date}` or `{time}` in it, which are those of a run.

    Names of one template sort in the order of the runs.

    Example:
        template = NameTemplate("churn-{date}")
        assert template.name_at(datetime(2026, 1, 31, tzinfo=UTC), "UTC") == "churn-2026-01-31"
    """

    text: str

    def __post_init__(self) -> None:
        unknown = set(_PLACE.findall(self.text)) - set(MOMENTS)
        left = _PLACE.sub("", self.text)
        if unknown or "{" in left or "}" in left:
            known = ", ".join(f"{{{name}}}" for name in (*MOMENTS, "study"))
            msg = f"Expected what stands in braces in `project_name` to be one of {known}."
            raise ValueError(f"{msg} Received: project_name={self.text!r}.")

    @classmethod
    def of(cls, study: str, project_name: str) -> NameTemplate:
        """The template of a study's projects.

        Args:
            study: Path or module name; its name stands where the template has `{study}`.
            project_name: The template.

        Raises:
            ValueError: Something else stands in braces.
        """
        return cls(project_name.replace("{study}", project_name_of(study, None)))

    @property
    def changes(self) -> bool:
        """Whether two runs may have projects of different names."""
        return is_template(self.text)

    @property
    def stem(self) -> str:
        """What the names of all runs have in common, such as `"churn"`; the whole of one name."""
        return _PLACE.sub("", re.sub(r"[-_.]*(\{[^{}]*\})", r"\1", self.text)) or "search"

    def name_at(self, moment: datetime, timezone: str) -> str:
        """The name of the project of a run.

        Args:
            moment: When it was to start.
            timezone: Where date and time are read, such as `"Europe/Berlin"`.
        """
        local = moment.astimezone(ZoneInfo(timezone))
        return _PLACE.sub(lambda place: local.strftime(MOMENTS[place[1]][0]), self.text)

    def projects(self, directory: str, before: str | None = None) -> list[str]:
        """Names of the projects of this template under a directory, the oldest first.

        Args:
            directory: Path or fsspec URL.
            before: Name of a project, begun or not; only those of earlier runs then.
        """
        store = open_store(directory)
        orders = {name: order for name in store.list("") if (order := self._order(name))}
        limit = None if before is None else self._order(before)
        if limit is not None:
            orders = {name: order for name, order in orders.items() if order < limit}
        begun = [name for name in orders if store.exists(f"{name}/{ProjectPaths.project}")]
        return sorted(begun, key=lambda name: orders[name])

    def _order(self, name: str) -> tuple[str, ...] | None:
        """Date and time in a name, as they sort; None for a name of no run."""
        found = self._pattern().fullmatch(name)
        if found is None:
            return None
        return tuple(found.groupdict().get(moment) or "" for moment in MOMENTS)

    def _pattern(self) -> re.Pattern[str]:
        seen: set[str] = set()
        parts = []
        for index, part in enumerate(_PLACE.split(self.text)):
            if index % 2 == 0:
                parts.append(re.escape(part))
            elif part in seen:
                parts.append(f"(?P={part})")
            else:
                seen.add(part)
                parts.append(f"(?P<{part}>{MOMENTS[part][1]})")
        return re.compile("".join(parts))


def newest_project(url: str) -> str:
    """The project's path or URL; of one with a template for its name, the newest one's.

    Raises:
        FileNotFoundError: The template has no project yet.
        ValueError: Something else than date and time stands in braces.
    """
    directory, name = split_url(url)
    if not is_template(name):
        return url
    found = NameTemplate(name).projects(directory)
    if not found:
        msg = "Expected a project with a name of this template."
        raise FileNotFoundError(f"{msg} Received: project_url={url!r}, which has none.")
    return project_url(directory, found[-1])
