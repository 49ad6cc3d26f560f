"""Words for what explains a segment: names, second names, rules, examples."""

from analytics.i18n.marks import N_

PHRASES = {
    # The second part of a name, where the first is taken: "Lapsed, big baskets".
    "tone.recent": N_("recently active"),
    "tone.long_ago": N_("long silent"),
    "tone.often": N_("frequent orders"),
    "tone.seldom": N_("few orders"),
    "tone.big_baskets": N_("big baskets"),
    "tone.small_baskets": N_("small baskets"),
    "tone.long_known": N_("long known"),
    "tone.new": N_("newcomers"),
    "segment.others": N_("Others"),
    # Where to start.
    "preset.usual": N_("Buying behaviour"),
    "preset.habits": N_("Buying behaviour and habits"),
    "preset.needs": N_("What they buy, where, how they pay"),
    "preset.portrait": N_("What they buy and who they are"),
    "preset.demographics": N_("Who they are"),
    "preset.psychographics": N_("What they think"),
    "preset.mixed": N_("A mix of all families"),
    "preset.own": N_("Own choice"),
    "option.test.at_least": N_("at least"),
    "option.test.below": N_("under"),
    "option.test.between": N_("from … to under"),
    "number.gaps": N_("{n} is recommended: the largest number with a gap between any two segments."),
    "number.best_silhouette": N_(
        "{n} is recommended: the best separated number among those that are stable, sound in size and beyond chance."
    ),
    "number.best_bic": N_("{n} is recommended: the best BIC among the numbers that are stable and sound in size."),
    "number.most_stable": N_("{n} is shown as the steadiest cut; no number is recommended by structure."),
    "number.fixed_cuts": N_("The number follows from the cuts."),
    # Columns of tables and downloads.
    "field.near": N_("Nearly in"),
    "field.distance": N_("Distance to the centre"),
    "field.rule": N_("Short rule"),
    "field.precision": N_("Right when it says yes"),
    "field.recall": N_("Of the segment found"),
    "field.rule_verdict": N_("The rule is"),
    "rule.good": N_("good"),
    "rule.rough": N_("rough"),
    "rule.poor": N_("poor"),
    "rule.none": N_("not found"),
    "progress.explain_traits": N_("Comparing each segment with the rest"),
    "progress.explain_rules": N_("Looking for short rules"),
    "progress.explain_examples": N_("Finding typical customers"),
    "error.explain_choice_range": N_("That choice for the explanation is out of range"),
    "error.explain_choice_range.remedy": N_("Choose rules of 1 to 3 conditions for at least {limit} customers."),
    "error.segment_name_long": N_("The name has {n} characters"),
    "error.segment_name_long.remedy": N_("At most {most} fit on charts and tables. Shorten it."),
    "error.segment_name_twice": N_("Two segments cannot both be called {name}"),
    "error.segment_name_twice.remedy": N_("Give each segment a name of its own."),
    "caveat.rules_poor": N_("{n} of {k} segments cannot be told by a short rule"),
    "caveat.rules_poor.body": N_(
        "Their rules find too few of their customers or too many others. Use the labels themselves, not the rule."
    ),
    "caveat.rules_from_sample": N_("The rules were made and measured on a sample"),
    "caveat.rules_from_sample.body": N_("{n} of {all} customers, drawn at random, each segment in its share."),
}
