"""Packs the content folders of the checkout into the wheel, where `em_bench.content.content_folder` finds them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKED = {
    "tasks/organisms": "organisms",
    "tasks": "tasks",
    "judges": "judges",
    "leaderboard/models": "models",
    "leaderboard/templates": "templates",
}


class ContentBuildHook(BuildHookInterface):
    """Maps each content file to its place under em_bench/_content/."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add every content file; an editable install reads the checkout itself and needs none."""
        if version == "editable":
            return
        root = Path(self.root)
        for folder, packed in PACKED.items():
            for path in sorted((root / folder).rglob("*")):
                if path.is_file():
                    target = f"em_bench/_content/{packed}/{path.relative_to(root / folder).as_posix()}"
                    build_data["force_include"].setdefault(str(path), target)
