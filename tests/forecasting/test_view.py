"""What is looked at travels with the other choices."""

from datetime import date

from analytics.forecasting.view import ForecastView
from analytics.workspace import Workspace, from_json, from_link, to_json, to_link


def test_the_view_travels_in_links_and_saved_choices() -> None:
    looked = Workspace(forecast_view=ForecastView(cutoff=date(2026, 4, 5), usual_days=False))
    assert from_link(to_link(looked)) == (looked, ())
    assert from_json(to_json(looked)) == (looked, ())
    assert Workspace().forecast_view == ForecastView(None, True)
