"""Words for demand forecasting."""

from analytics.i18n.marks import N_

PHRASES = {
    "field.unique_id": N_("Series"),
    "field.horizon": N_("Periods ahead"),
    "field.holidays": N_("Public holidays of"),
    "field.growth": N_("Trend"),
    "option.growth.linear": N_("Goes on as it went last"),
    "option.growth.flat": N_("Stays level"),
    "field.seasonality_mode": N_("Seasonal swings"),
    "option.seasonality_mode.auto": N_("Decide from the history"),
    "option.seasonality_mode.additive": N_("Same size at any level"),
    "option.seasonality_mode.multiplicative": N_("Grow with the level"),
    "field.n_origins": N_("Number of back-tests"),
    "field.interval_width": N_("Interval"),
    "field.ds": N_("Period from"),
    "field.y": N_("Observed"),
    "field.cutoff": N_("Forecast made after"),
    "field.last_year": N_("Same period last year"),
    "field.model": N_("Model"),
    "field.prophet": N_("Prophet"),
    "field.prophet-lo-80": N_("Prophet, 80% low"),
    "field.prophet-hi-80": N_("Prophet, 80% high"),
    "field.prophet-lo-95": N_("Prophet, 95% low"),
    "field.prophet-hi-95": N_("Prophet, 95% high"),
    "field.seasonal_naive": N_("Baseline"),
    "field.seasonal_naive-lo-80": N_("Baseline, 80% low"),
    "field.seasonal_naive-hi-80": N_("Baseline, 80% high"),
    "field.seasonal_naive-lo-95": N_("Baseline, 95% low"),
    "field.seasonal_naive-hi-95": N_("Baseline, 95% high"),
    "field.fitted": N_("Fitted by Prophet"),
    "field.trend": N_("Trend"),
    "field.weekly": N_("Day of the week"),
    "field.yearly": N_("Time of the year"),
    "field.mase": N_("Scaled error (MASE)"),
    "field.rmsse": N_("Scaled squared error (RMSSE)"),
    "field.wape": N_("Error, share of sales (WAPE)"),
    "field.smape": N_("Symmetric error (sMAPE)"),
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
    "event.lunar_new_year_before": N_("Before Lunar New Year"),
    "event.lunar_new_year_eve": N_("Lunar New Year's Eve"),
    "event.lunar_new_year": N_("Lunar New Year"),
    "event.lunar_new_year_after": N_("After Lunar New Year"),
    "event.Substituted day off": N_("Substituted day off"),
    "event.New Year's Day": N_("New Year's Day"),
    "event.Founding Day of the Republic of China": N_("Founding Day of the Republic of China"),
    "event.Peace Memorial Day": N_("Peace Memorial Day"),
    "event.Children's Day": N_("Children's Day"),
    "event.Tomb-Sweeping Day": N_("Tomb-Sweeping Day"),
    "event.Labor Day": N_("Labor Day"),
    "event.Dragon Boat Festival": N_("Dragon Boat Festival"),
    "event.Mid-Autumn Festival": N_("Mid-Autumn Festival"),
    "event.National Day": N_("National Day"),
    "event.Double Ninth Festival": N_("Double Ninth Festival"),
    "event.Thanksgiving Day": N_("Thanksgiving Day"),
    "event.Independence Day": N_("Independence Day"),
    "event.Memorial Day": N_("Memorial Day"),
    "event.Good Friday": N_("Good Friday"),
    "event.Easter Monday": N_("Easter Monday"),
    "event.May Day": N_("May Day"),
    "event.Spring Bank Holiday": N_("Spring Bank Holiday"),
    "event.Late Summer Bank Holiday": N_("Late Summer Bank Holiday"),
    "event.Christmas Day": N_("Christmas Day"),
    "event.Boxing Day": N_("Boxing Day"),
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
