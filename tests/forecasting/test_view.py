"""What is looked at travels with the other choices."""

from datetime import date

import pytest

from analytics.errors import AnalysisError
from analytics.forecasting.view import ForecastView, name_interval
from analytics.workspace import Workspace, from_json, from_link, to_json, to_link
from tests.charts.made_forecasts import one, swinging


def test_the_view_travels_in_links_and_saved_choices() -> None:
    looked = Workspace(forecast_view=ForecastView(cutoff=date(2026, 4, 5), usual_days=False))
    assert from_link(to_link(looked)) == (looked, ())
    assert from_json(to_json(looked)) == (looked, ())
    assert Workspace().forecast_view == ForecastView(None, True)


def test_naming_the_other_interval_first_changes_no_figure() -> None:
    result = one(swinging(120, 52, 1_000))
    wide = name_interval(result, 0.95)
    assert (result.spec.interval_width, wide.spec.interval_width) == (0.8, 0.95)
    assert wide.forecast is result.forecast
    assert wide.key != result.key
    with pytest.raises(AnalysisError, match="interval_width_unknown"):
        name_interval(result, 0.5)
