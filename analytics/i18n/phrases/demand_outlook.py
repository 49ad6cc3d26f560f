"""Words for the columns of all series at once and for the results of one."""

from analytics.i18n.marks import N_

PHRASES = {
    "field.demand_series": N_("Series"),
    "field.demand_course": N_("Course"),
    "field.demand_expected": N_("Expected"),
    "field.demand_lo": N_("Expected, low"),
    "field.demand_hi": N_("Expected, high"),
    "field.demand_before": N_("Before"),
    "field.demand_change_share": N_("Change"),
    "field.trend_yearly_share": N_("Trend a year"),
    "field.demand_model": N_("Forecasting model"),
    "field.error_of_baseline": N_("Error, baseline 100%"),
    "field.band_held_share": N_("In the 80% band"),
    "field.demand_notes": N_("What is particular"),
    "field.n_compared": N_("Periods compared"),
    "field.effect_part": N_("Part"),
    "field.effect_place": N_("Where"),
    "field.effect_size": N_("Effect"),
    "field.effect_lo": N_("Effect, 95% low"),
    "field.effect_hi": N_("Effect, 95% high"),
    "field.effect_times_seen": N_("Times seen"),
    "field.holidays": N_("Special days"),
    "field.forecast_view": N_("View of the forecast"),
    "field.own_forecast": N_("Its own forecast"),
    "field.sum_of_parts": N_("Sum of the parts"),
    "field.agreed_forecast": N_("Agreed"),
}
