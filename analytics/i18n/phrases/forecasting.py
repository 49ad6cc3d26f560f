"""Words for demand forecasting."""

from analytics.i18n.marks import N_

PHRASES = {
    "progress.backtesting": N_("Back-testing"),
    "progress.fitting_forecast": N_("Fitting the forecast"),
    "error.series_unknown": N_("There is no series called {unique_id}"),
    "error.series_unknown.remedy": N_("Choose one of the series offered."),
    "error.series_too_short": N_("The series is too short to forecast"),
    "error.series_too_short.remedy": N_(
        "It has {n_periods} observed periods; at least 2 are needed, and two years for a yearly season."
    ),
    "error.horizon_too_long": N_("The horizon is longer than the history"),
    "error.horizon_too_long.remedy": N_("{horizon} periods ahead from {n_periods} observed: choose a shorter horizon."),
    "error.horizon_out_of_range": N_("The horizon must be between 1 and {most} periods"),
    "error.horizon_out_of_range.remedy": N_("{horizon} was asked for: choose another horizon."),
    "error.n_origins_out_of_range": N_("The number of back-tests must be between 2 and {most}"),
    "error.n_origins_out_of_range.remedy": N_("{n_origins} was asked for: choose another number."),
    "error.interval_width_unknown": N_("The interval is either 80% or 95%"),
    "error.interval_width_unknown.remedy": N_("{interval_width} was asked for: choose 0.8 or 0.95."),
    "error.seed_out_of_range": N_("The seed must be a whole number from 0 to 4294967295"),
    "error.seed_out_of_range.remedy": N_("{random_state} was asked for: choose another seed."),
    "error.country_unknown": N_("No holidays are known for the country {country}"),
    "error.country_unknown.remedy": N_("Use a two-letter country code such as CN, TW, HK, US or GB, or none."),
    "error.repeated_periods": N_("Some periods occur more than once in one series"),
    "error.repeated_periods.remedy": N_(
        "{count} rows repeat a period, for example {example}. Keep one row per series and period."
    ),
    "error.irregular_periods": N_("Some dates do not lie on the series' regular grid"),
    "error.irregular_periods.remedy": N_("{count} dates, for example {example}. Choose a coarser period."),
    "error.too_many_gaps": N_("Too many periods are missing"),
    "error.too_many_gaps.remedy": N_(
        "{n_missing} of {n_periods} periods have no value; at most 30% may be missing. Choose a coarser period."
    ),
    "error.fit_failed": N_("Prophet found no fit for this series"),
    "error.fit_failed.remedy": N_(
        "For these {n_periods} periods choose flat growth, fewer holidays or a coarser period."
    ),
    "caveat.baseline_wins": N_("Repeating the past was more accurate than Prophet"),
    "caveat.baseline_wins.body": N_(
        "Scaled back-test error {prophet_error} for Prophet, {baseline_error} for the baseline; Prophet was better in "
        "{n_won} of {n_origins} back-tests. The baseline leads here."
    ),
    "caveat.narrow_win": N_("Prophet's lead over the baseline is narrow"),
    "caveat.narrow_win.body": N_(
        "Its average error is lower, but it was better in only {n_won} of {n_origins} back-tests."
    ),
    "caveat.forecast_untested": N_("No back-test was possible"),
    "caveat.forecast_untested.body": N_(
        "The history leaves no room to hold periods back, so neither model is tested and the bands are wide. Choose a "
        "shorter horizon or add earlier data."
    ),
    "caveat.bands_uncalibrated": N_("The bands could not be calibrated"),
    "caveat.bands_uncalibrated.body": N_(
        "{n_origins} back-tests gave too few errors, so the bands are wide fallbacks that assume a wandering level."
    ),
    "caveat.coverage_low": N_("The 80% band held less often than it should"),
    "caveat.coverage_low.body": N_(
        "In the back-test {percent}% of {n} periods fell inside it. Read the band as too narrow."
    ),
    "caveat.no_yearly_season": N_("Less than two years: no yearly season"),
    "caveat.no_yearly_season.body": N_(
        "{n_periods} periods of history, {n_needed} are needed to tell a yearly season from chance. Add earlier data."
    ),
    "caveat.no_weekly_season": N_("Less than two weeks: no weekly season"),
    "caveat.no_weekly_season.body": N_("{n_periods} days of history, {n_needed} are needed."),
    "caveat.horizon_long": N_("The horizon is long for this history"),
    "caveat.horizon_long.body": N_("{horizon} periods ahead from {n_periods} observed: over half. Trust it less."),
    "caveat.series_constant": N_("The series never changes"),
    "caveat.series_constant.body": N_("Every period is {value}; there is no scaled error to compare."),
    "caveat.series_intermittent": N_("Most periods have no sale"),
    "caveat.series_intermittent.body": N_(
        "{zero_percent}% of periods are zero. Look at the total over the horizon, not at single periods; models are "
        "compared by squared error."
    ),
    "caveat.values_negative": N_("Some periods are negative"),
    "caveat.values_negative.body": N_("{n_periods} periods are below zero, so swings are added, not multiplied."),
    "caveat.gaps_left_out": N_("Some periods have no value"),
    "caveat.gaps_left_out.body": N_(
        "{n_missing} of {n_periods} periods are missing: left out, not set to zero."
    ),
    "caveat.series_ended": N_("Nothing was sold at the end of the history"),
    "caveat.series_ended.body": N_(
        "The last sale was in the period of {last}; {n_periods} since then count as zero."
    ),
}
