"""Words of the recipe of repairs: its steps, its ledger and what can be wrong with a step."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.step_incomplete": N_("The step is not complete"),
    "error.step_incomplete.remedy": N_("Say what is done, in which column, and for which rows."),
    "error.step_not_a_number": N_("{value} is no number"),
    "error.step_not_a_number.remedy": N_("Write it with a point for decimals, such as 0.01, and without a unit."),
    "error.step_not_a_day": N_("{value} is no day"),
    "error.step_not_a_day.remedy": N_("Write year, month and day: 2024-03-05."),
    "error.step_personal": N_("A step cannot name single persons"),
    "error.step_personal.remedy": N_(
        "Steps are saved and shared, so they hold no values of {field}. To take out one customer, use Privacy."
    ),
    "error.too_many_steps": N_("A recipe has at most {limit} steps"),
    "error.too_many_steps.remedy": N_("Take out steps that are no longer needed."),
    "caveat.step_without_field": N_("Step {n} of your recipe found nothing to work on"),
    "caveat.step_without_field.body": N_("These data have no {field}. The other steps were made."),
    "caveat.step_not_a_number": N_("Step {n} of your recipe does not fit these data"),
    "caveat.step_not_a_number.body": N_("{value} is no number. The other steps were made."),
    "caveat.step_not_a_day": N_("Step {n} of your recipe does not fit these data"),
    "caveat.step_not_a_day.body": N_("{value} is no day. The other steps were made."),
    "reason.own_step": N_("a step of your recipe"),
    "option.action.set_aside": N_("Set rows aside"),
    "option.action.replace": N_("Write a value into cells"),
    "option.action.empty": N_("Empty cells"),
    "option.action.scale": N_("Multiply numbers"),
    "option.action.strip_start": N_("Take off the beginning of texts"),
    "option.where.flagged": N_("that a finding names"),
    "option.where.one_of": N_("whose value is one of"),
    "option.where.contains": N_("whose text contains"),
    "option.where.below": N_("below or before"),
    "option.where.above": N_("above or after"),
    "option.where.missing": N_("that are empty"),
    "option.where.always": N_("all rows"),
    "field.repair": N_("Repair"),
    "field.where": N_("Where"),
    "field.rows_touched": N_("Rows touched"),
    "field.rows_left": N_("Rows, before → after"),
    "field.revenue_left": N_("Revenue, before → after"),
    "field.step": N_("Step"),
}
