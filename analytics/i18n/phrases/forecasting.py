"""Words for demand forecasting."""

from analytics.i18n.marks import N_

PHRASES = {
    "field.unique_id": N_("Series"),
    "field.horizon": N_("Periods ahead"),
    "field.n_origins": N_("Number of back-tests"),
    "field.interval_width": N_("Interval"),
    "field.ds": N_("Period from"),
    "field.y": N_("Observed"),
    "field.cutoff": N_("Forecast made after"),
    "field.last_year": N_("Same period last year"),
    "field.model": N_("Model"),
    "field.in_choice": N_("Seen by the choice"),
    "field.forecast": N_("Forecast"),
    "field.lo_80": N_("80% interval, low"),
    "field.hi_80": N_("80% interval, high"),
    "field.lo_95": N_("95% interval, low"),
    "field.hi_95": N_("95% interval, high"),
    "field.total": N_("Total over the horizon"),
    "field.recent": N_("Same length before"),
    "field.change_share": N_("Change on last year"),
    "field.slope_share": N_("Trend over a year"),
    "field.seasonal_naive": N_("Baseline"),
    "field.smoothing": N_("Exponential smoothing"),
    "field.theta": N_("Theta"),
    "field.tsb": N_("TSB, for rare sales"),
    "field.prophet": N_("Prophet"),
    "field.prophet_level": N_("Prophet with its level"),
    "field.boosting": N_("Gradient boosting"),
    "field.compared_by": N_("Compared by"),
    "field.model_error": N_("Error of the model"),
    "field.baseline_error": N_("Error of the baseline"),
    "field.n_won": N_("Back-tests better than the baseline"),
    "field.band_source": N_("Band from"),
    "option.band_source.own": N_("its own errors"),
    "option.band_source.pooled": N_("the errors of all series"),
    "option.band_source.fallback": N_("a wide assumption"),
    "option.reason.lowest_error": N_("Smallest error"),
    "option.reason.simpler": N_("Steadier, hardly worse"),
    "option.reason.baseline_wins": N_("Nothing beats repeating"),
    "option.reason.intermittent": N_("Made for rare sales"),
    "option.reason.asked": N_("Chosen by you"),
    "option.reason.equal": N_("Nothing to compare"),
    "option.reason.untested": N_("Too short to test"),
    "field.fitted": N_("Fitted by Prophet"),
    "field.trend": N_("Trend"),
    "field.weekly": N_("Day of the week"),
    "field.yearly": N_("Time of the year"),
    "field.mase": N_("Scaled error (MASE)"),
    "field.rmsse": N_("Scaled squared error (RMSSE)"),
    "field.wape": N_("Error, share of sales (WAPE)"),
    "field.smape": N_("Symmetric error (sMAPE)"),
    "field.wis": N_("Scaled interval score (WIS)"),
    "field.bias": N_("Bias"),
    "field.coverage_80": N_("Inside the 80% band"),
    "field.coverage_95": N_("Inside the 95% band"),
    "field.n_with_band": N_("Periods with a band"),
    "weekday.0": N_("Mon"),
    "weekday.1": N_("Tue"),
    "weekday.2": N_("Wed"),
    "weekday.3": N_("Thu"),
    "weekday.4": N_("Fri"),
    "weekday.5": N_("Sat"),
    "weekday.6": N_("Sun"),
    "month.1": N_("Jan"),
    "month.2": N_("Feb"),
    "month.3": N_("Mar"),
    "month.4": N_("Apr"),
    "month.5": N_("May"),
    "month.6": N_("Jun"),
    "month.7": N_("Jul"),
    "month.8": N_("Aug"),
    "month.9": N_("Sep"),
    "month.10": N_("Oct"),
    "month.11": N_("Nov"),
    "month.12": N_("Dec"),
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
    "error.repeated_periods": N_("Some periods occur more than once in one series"),
    "error.repeated_periods.remedy": N_(
        "{count} rows repeat a period, for example {example}. Keep one row per series and period."
    ),
    "error.irregular_periods": N_("Some dates do not lie on the series' regular grid"),
    "error.irregular_periods.remedy": N_("{count} dates, for example {example}. Choose a coarser period."),
    "error.too_many_gaps": N_("Too many periods are missing"),
    "error.too_many_gaps.remedy": N_(
        "{n_missing} of {n_periods} periods have no value; at most 30% may be missing. Choose a coarser period, or say "
        "that nothing was sold in them."
    ),
    "error.fit_failed": N_("Prophet found no fit for this series"),
    "error.fit_failed.remedy": N_(
        "For these {n_periods} periods choose flat growth, fewer holidays or a coarser period."
    ),
    "error.prophet_option_out_of_range": N_("One of Prophet's options is outside its range"),
    "error.prophet_option_out_of_range.remedy": N_("Set Prophet's options back to their defaults."),
    "caveat.baseline_wins": N_("Nothing was more accurate than repeating the past"),
    "caveat.baseline_wins.body": N_(
        "No model had a smaller error than the baseline in the back-tests (number: {n}), so the baseline leads here."
    ),
    "caveat.narrow_win": N_("The model's lead over the baseline is narrow"),
    "caveat.narrow_win.body": N_(
        "Its average error is lower, but it was better in only {n} of {n_origins} back-tests."
    ),
    "caveat.forecast_untested": N_("No back-test was possible"),
    "caveat.forecast_untested.body": N_(
        "The history leaves no room to hold periods back, so no model is tested: the past is repeated. Choose a "
        "shorter horizon or add earlier data."
    ),
    "caveat.bands_pooled": N_("The band is borrowed from the other series"),
    "caveat.bands_pooled.body": N_(
        "Too few errors of its own are known, so its band is as wide as the errors of all {n} series ask for."
    ),
    "caveat.bands_uncalibrated": N_("The bands could not be calibrated"),
    "caveat.bands_uncalibrated.body": N_(
        "Too few back-test errors are known (back-tests: {n_origins}), so the bands are wide fallbacks that assume a "
        "wandering level."
    ),
    "caveat.coverage_low": N_("The 80% band held less often than it should"),
    "caveat.coverage_low.body": N_(
        "In the back-test {percent}% of {n} periods fell inside it. Read the band as too narrow."
    ),
    "caveat.model_abstained": N_("The model asked for has no forecast here"),
    "caveat.model_abstained.body": N_(
        "The series is too short for it or not of its kind, so the model with the best back-test was taken."
    ),
    "caveat.no_final_check": N_("No periods are left to check the choice"),
    "caveat.no_final_check.body": N_(
        "{n_periods} periods are too few to choose a model and then test the choice on {horizon} more. Its errors are "
        "those it was chosen by: expect somewhat larger ones."
    ),
    "caveat.no_yearly_season": N_("Less than two years: no yearly season"),
    "caveat.no_yearly_season.body": N_(
        "{n_periods} periods of history, {n_needed} are needed to tell a yearly season from chance. Add earlier data."
    ),
    "caveat.no_weekly_season": N_("Less than two weeks: no weekly season"),
    "caveat.no_weekly_season.body": N_("{n_periods} days of history, {n_needed} are needed."),
    "caveat.series_left_out": N_("Some series cannot be forecast"),
    "caveat.series_left_out.body": N_(
        "{n} of {n_series} have fewer than two observed periods or too many missing ones: they have no forecast."
    ),
    "caveat.left_out_series_too_short": N_("Too short to forecast"),
    "caveat.left_out_series_too_short.body": N_("It has fewer than two observed periods."),
    "caveat.left_out_too_many_gaps": N_("Too many missing periods"),
    "caveat.left_out_too_many_gaps.body": N_("Over 30% of its periods have no value."),
    "caveat.horizon_long": N_("The horizon is long for this history"),
    "caveat.horizon_long.body": N_("{horizon} periods ahead from {n} observed: over half. Trust it less."),
    "caveat.series_constant": N_("The series never changes"),
    "caveat.series_constant.body": N_("Every period has the same value; there is no scaled error to compare."),
    "caveat.series_intermittent": N_("Most periods have no sale"),
    "caveat.series_intermittent.body": N_(
        "{percent}% of periods are zero. Look at the total over the horizon, not at single periods; models are "
        "compared by squared error."
    ),
    "caveat.values_negative": N_("Some periods are negative"),
    "caveat.values_negative.body": N_("{n} periods are below zero, so swings are added, not multiplied."),
    "caveat.gaps_left_out": N_("Some periods have no value"),
    "caveat.gaps_left_out.body": N_("{n} periods ({percent}%) are missing: left out, not set to zero."),
    "caveat.series_ended": N_("Nothing was sold at the end of the history"),
    "caveat.series_ended.body": N_("The last {n} periods have no sale; they count as zero."),
}
