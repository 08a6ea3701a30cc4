"""Settings files give defaults, and say what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab import settings
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = {"run": ["board", "go", "libc"], "images": ["all"]}


def test_the_project_wins_over_the_user_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user = tmp_path / "config" / "emulab" / "emulab.toml"
    user.parent.mkdir(parents=True)
    user.write_text('[run]\ngo = "1.22"\nlibc = "musl"\n')
    project = tmp_path / "project" / "cmd"
    project.mkdir(parents=True)
    (tmp_path / "project" / "emulab.toml").write_text('[run]\ngo = "1.24"\n')
    assert settings.merged(project, OPTIONS) == {"run": {"go": "1.24", "libc": "musl"}}


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("[run]\nbord = 1\n", "unknown key in [run] 'bord'", "'board'"),
        ("[rum]\n", "unknown table 'rum'", "'run'"),
        ("run = 3\n", "'run' is not a table", "[run]"),
        ("[run\n", "not valid TOML", ""),
    ],
)
def test_a_bad_file_is_named_with_the_fix(tmp_path: Path, text: str, sentence: str, hint: str) -> None:
    path = tmp_path / "emulab.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.read(path, OPTIONS)
    assert sentence in caught.value.message
    assert str(path) in caught.value.message
    assert hint in caught.value.hint
