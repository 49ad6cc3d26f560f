"""Words for planning: scenarios of price, promotion and event, and the stock."""

from analytics.i18n.marks import N_

PHRASES = {
    "progress.learning_response": N_("Learning what prices and promotions go with"),
    "planning_untold.few_prices": N_("fewer than three prices were held long enough to tell"),
    "planning_untold.few_promotions": N_("fewer than three promotions were found"),
    "planning_untold.seen_once": N_("this event was not seen twice"),
    "planning_untold.no_gain": N_("knowing it made the past no easier to foretell"),
    "planning_untold.wrong_way": N_("higher prices went with more sales: something else moved with them"),
    "planning_untold.not_asked": N_("this day is not among the special days chosen"),
    "planning_untold.no_response": N_("these data tell nothing of prices and promotions"),
    "error.response_not_daily": N_("Prices and promotions are learned from daily sales"),
    "error.response_not_daily.remedy": N_("Give order lines with their days."),
    "error.response_too_short": N_("The history is too short to tell what prices go with"),
    "error.response_too_short.remedy": N_("It has {n_days} days; at least {needed} are needed."),
    "error.response_few_sales": N_("No product sold often enough to tell what prices go with"),
    "error.response_few_sales.remedy": N_("At least {needed} items of a product, with their prices, are needed."),
    "error.response_option_out_of_range": N_("This choice for learning prices is out of range"),
    "error.response_option_out_of_range.remedy": N_("Choose an interval between 50% and 99%."),
    "error.scenario_out_of_range": N_("This scenario is out of range"),
    "error.scenario_out_of_range.remedy": N_(
        "Discounts reach up to 90%, days from 1 to 400, margins below 100%; at most six scenarios."
    ),
    "error.price_unknown": N_("Nothing with a price was sold in the last three months"),
    "error.price_unknown.remedy": N_("Scenarios are then told in items only."),
    "error.stock_option_out_of_range": N_("This choice for the stock is out of range"),
    "error.stock_option_out_of_range.remedy": N_(
        "Service lies between 50% and 99.9%, lead time up to 400 days, review from 1 day."
    ),
    "error.stock_horizon_short": N_("The forecast ends before the next delivery"),
    "error.stock_horizon_short.remedy": N_(
        "Review and lead time need {needed} days; the forecast has {days}. Choose more periods ahead."
    ),
    "error.stock_not_items": N_("A stock is planned in items"),
    "error.stock_not_items.remedy": N_("This forecast is of {measure}: give order lines with quantities."),
    "caveat.response_is_association": N_("These effects are associations"),
    "caveat.response_is_association.body": N_(
        "Season, level, weekday and events are taken out, but nobody drew lots over prices: whatever else changed "
        "together with a price is in its effect. Only a test with a control group tells causes."
    ),
    "caveat.response_nothing": N_("No effect of price, promotion or event can be told"),
    "caveat.response_nothing.body": N_(
        "Prices hardly moved, promotions were few, or knowing them made the past no easier to foretell. Scenarios need "
        "at least three prices, three promotions or an event seen twice."
    ),
    "caveat.response_paid_prices": N_("What was paid stands for the list price"),
    "caveat.response_paid_prices.body": N_(
        "These data know neither list prices nor discounts. A short sale cannot be told from a price, and who buys in "
        "bulk pays less: the median over days with sales keeps most of that out, not all."
    ),
    "caveat.response_borrowed": N_("The response is that of all products"),
    "caveat.response_borrowed.body": N_(
        "This series has no response of its own. Its scenarios assume that it answers like the mean of all products."
    ),
    "caveat.scenario_at_edge": N_("A scenario goes beyond what was ever tried"),
    "caveat.scenario_at_edge.body": N_(
        "A price or discount outside of those seen is counted at the edge of the range. What lies beyond it "
        "nobody knows."
    ),
    "caveat.stock_without_forecast_test": N_("The stock stands on an untested forecast"),
    "caveat.stock_without_forecast_test.body": N_(
        "The history is too short for a back-test, so the width of the forecast, and with it the safety stock, "
        "is a guess."
    ),
    "option.goal.cycle": N_("No shortage in a cycle"),
    "option.goal.fill": N_("Demand met from stock"),
    "field.quantity_lo": N_("Items, low"),
    "field.quantity_hi": N_("Items, high"),
    "field.quantity_change": N_("Items against now"),
    "field.quantity_change_lo": N_("Items against now, low"),
    "field.quantity_change_hi": N_("Items against now, high"),
    "field.revenue_lo": N_("Revenue, low"),
    "field.revenue_hi": N_("Revenue, high"),
    "field.revenue_change": N_("Revenue against now"),
    "field.revenue_change_lo": N_("Revenue against now, low"),
    "field.revenue_change_hi": N_("Revenue against now, high"),
    "field.profit": N_("Profit"),
    "field.profit_lo": N_("Profit, low"),
    "field.profit_hi": N_("Profit, high"),
    "field.profit_change": N_("Profit against now"),
    "field.profit_change_lo": N_("Profit against now, low"),
    "field.profit_change_hi": N_("Profit against now, high"),
    "field.elasticity": N_("Price elasticity"),
    "field.n_prices": N_("Prices held"),
    "field.lowest_ratio": N_("Lowest price over today's"),
    "field.highest_ratio": N_("Highest price over today's"),
    "field.gain_share": N_("Easier to foretell by"),
    "field.n_occasions": N_("Promotions found"),
    "field.depth": N_("Discount depth"),
    "field.demand_ratio": N_("Demand, as a ratio"),
    "field.response_lo": N_("Effect, low"),
    "field.response_hi": N_("Effect, high"),
    "field.response_of": N_("Effect on"),
    "field.why_untold": N_("Why it is not shown"),
    "field.special_day": N_("Special day"),
    "field.times_seen": N_("Times seen"),
    "field.promoted_from": N_("Promoted from"),
    "field.promoted_until": N_("Promoted until"),
    "field.products_promoted": N_("Products promoted"),
    "field.service_level": N_("Service level"),
    "field.until_day": N_("Until"),
    "field.stock_left": N_("Stock left"),
    "field.stock_lo_80": N_("Stock left, 80% low"),
    "field.stock_hi_80": N_("Stock left, 80% high"),
    "field.cover_demand": N_("Demand until the next delivery"),
    "field.would_suffice": N_("Stock would have sufficed"),
    "field.order_up_to": N_("Order up to"),
    "field.safety_stock": N_("Safety stock"),
    "field.reorder_point": N_("Reorder point"),
    "field.gone_chance": N_("Chance that it is gone"),
}
