"""A published article's figures beside predictions of the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.boards import load_catalogue
from emulab.calibration.article import read_article
from emulab.calibration.prediction import Predictor
from emulab.errors import InfrastructureError
from emulab.prediction.conditions import Conditions
from emulab.prediction.kept_parts import kept_parts
from emulab.prediction.programs import figures_of_place
from emulab.prediction.shipped_programs import shipped_counts
from emulab.workloads.request import BuildOptions, find_places, find_program, service_request

if TYPE_CHECKING:
    from emulab.calibration.article import ArticleFigure
    from emulab.figures import Figure

_WORKLOAD = "healthd"


@dataclass(frozen=True)
class ArticleRow:
    """A figure of the article with the prediction of the same; None where emulab predicts no such thing."""

    theirs: ArticleFigure
    ours: Figure | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-serialisable values."""
        import msgspec

        return {
            "article": msgspec.to_builtins(self.theirs),
            "predicted": self.ours.to_json() if self.ours is not None else None,
        }


def article_rows() -> list[ArticleRow]:
    """Return the article's figures beside what is predicted of emulab's own health-check service.

    :raises UsageError: a file that ships with emulab is damaged.
    :raises InfrastructureError: its counts do not ship with this emulab.
    """
    figures = read_article()
    known = set(load_catalogue().ids())
    wanted = {each.board for each in figures if each.ours and each.board in known}
    request = service_request(
        find_program(_WORKLOAD, None, Path.cwd()), None, tuple(sorted(wanted)), BuildOptions()
    )
    predictor = Predictor(simulate=kept_parts)
    predicted: dict[tuple[str, str], Figure] = {}
    for place in find_places(request):
        counts = shipped_counts(_WORKLOAD, place.target.architecture.name)
        if counts is None:
            raise InfrastructureError(
                f"the counts of {_WORKLOAD} for {place.target.architecture.name} are missing",
                hint="make them with `emulab calibrate programs`",
            )
        for figure in figures_of_place(place, counts, request, predictor, Conditions()):
            predicted[place.board.id, figure.name] = figure
    return [ArticleRow(each, predicted.get((each.board, each.ours))) for each in figures]
