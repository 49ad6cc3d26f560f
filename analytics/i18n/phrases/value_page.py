"""Words of the value and portfolio pages: what each parameter, criterion, grade and role means."""

from analytics.i18n.marks import N_

PHRASES = {
    "value_parameter.bg_nbd.r": N_("How alike customers are in their order rate: the larger, the more alike."),
    "value_parameter.bg_nbd.alpha": N_("Weeks: r divided by α is the mean number of orders a week while a customer."),
    "value_parameter.bg_nbd.a": N_("With b: a divided by a + b is the mean chance to leave after an order."),
    "value_parameter.bg_nbd.b": N_("With a: the larger both are, the more alike customers are in that chance."),
    "value_parameter.mbg_nbd.r": N_("How alike customers are in their order rate: the larger, the more alike."),
    "value_parameter.mbg_nbd.alpha": N_("Weeks: r divided by α is the mean number of orders a week while a customer."),
    "value_parameter.mbg_nbd.a": N_(
        "With b: a divided by a + b is the mean chance to leave after an order, the first too."
    ),
    "value_parameter.mbg_nbd.b": N_("With a: the larger both are, the more alike customers are in that chance."),
    "value_parameter.pareto_nbd.r": N_("How alike customers are in their order rate: the larger, the more alike."),
    "value_parameter.pareto_nbd.alpha": N_(
        "Weeks: r divided by α is the mean number of orders a week while a customer."
    ),
    "value_parameter.pareto_nbd.s": N_("How alike customers are in how soon they leave: the larger, the more alike."),
    "value_parameter.pareto_nbd.beta": N_("Weeks: s divided by β is the mean rate of leaving a week."),
    "value_parameter.gamma_gamma.p": N_("How steady one customer's order values are: the larger, the steadier."),
    "value_parameter.gamma_gamma.q": N_(
        "How alike customers are in their mean order value: the larger, the more alike."
    ),
    "value_parameter.gamma_gamma.gamma": N_("Scale: p times γ divided by q − 1 is the mean order value of all."),
    "value_parameter.sbg.alpha": N_("With β: α divided by α + β is the share that leaves in the first period."),
    "value_parameter.sbg.beta": N_(
        "With α: the larger both are, the more alike customers are in their chance to leave."
    ),
    "value_criterion.total_error": N_("All purchases together: off by"),
    "value_criterion.against_rules": N_("Error for one customer, as a share of the best simple rule's"),
    "value_criterion.coverage": N_("Customers short of the {level} that their intervals promise"),
    "value_criterion.calibration": N_("Groups by frequency: off on average by"),
    "value_grade.A": N_("fit to plan with"),
    "value_grade.B": N_("good for totals and rankings"),
    "value_grade.C": N_("a rough guide"),
    "value_grade.D": N_("not fit to decide on"),
    "value_role.first": N_("First purchase"),
    "value_role.repeat": N_("Repeat purchase"),
    "value_role.same_day": N_("Same day as another"),
    "value_role.reversed": N_("Taken back in full"),
    "value_role.return": N_("A return"),
    "value_role.service": N_("No goods"),
    "value_role.undated": N_("Without a date"),
}
