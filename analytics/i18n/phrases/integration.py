"""Words for matching, merging, joining and currencies."""

from analytics.i18n.marks import N_

PHRASES = {
    "progress.match_customers": N_("Comparing customer records"),
    "evidence.same": N_("same"),
    "evidence.near": N_("nearly the same"),
    "evidence.different": N_("different"),
    "evidence.missing": N_("cannot be compared"),
    "decision.rule.merge": N_("proposed as one person"),
    "decision.rule.review": N_("to check"),
    "decision.person.merge": N_("you said: one person"),
    "decision.person.apart": N_("you said: two people"),
    "treated.kept": N_("kept as they are"),
    "treated.converted": N_("converted"),
    "treated.partly": N_("converted on the days that have a rate"),
    "treated.apart": N_("set apart"),
    "field.customer_id_a": N_("Record"),
    "field.customer_id_b": N_("Other record"),
    "field.score": N_("Score"),
    "field.weight": N_("Weight of the evidence (bits)"),
    "field.decision": N_("What stands"),
    "field.person": N_("Person"),
    "field.merged_from": N_("Merged from"),
    "field.n_records": N_("Records"),
    "field.n_rows_before": N_("Rows before"),
    "field.n_rows_after": N_("Rows after"),
    "field.n_customers_before": N_("Customers before"),
    "field.n_customers_after": N_("Customers after"),
    "field.n_rows_moved": N_("Rows under another number"),
    "field.n_ids": N_("Customers named"),
    "field.n_unknown": N_("Not in the customers table"),
    "field.n_rows_unknown": N_("Rows of these"),
    "field.n_absent": N_("Customers never named"),
    "caveat.match_blocks_skipped": N_("Values shared by very many records make no pairs"),
    "caveat.match_blocks_skipped.body": N_(
        "{n} phones or e-mails stand in more than {largest} records, as a shop's own does. Those records are compared "
        "only where something else brings them together."
    ),
    "caveat.match_pairs_gone": N_("Some decisions no longer apply"),
    "caveat.match_pairs_gone.body": N_("{n} pairs that you decided are not in these data."),
    "caveat.merge_arms_mixed": N_("Merged people were in both arms of a campaign"),
    "caveat.merge_arms_mixed.body": N_(
        "{n} times a person was treated under one number and held back under another. Leave them out of a comparison."
    ),
    "caveat.join_key_repeated": N_("The second table says different things of one key"),
    "caveat.join_key_repeated.body": N_("{n} further values were left out: the first in sorted order stands."),
    "caveat.currency_apart": N_("Order lines in other currencies are set apart"),
    "caveat.currency_apart.body": N_(
        "{n} lines in {currencies} are in no figure: currencies are never summed. Give a rate to {currency} to convert "
        "them."
    ),
    "error.match_thresholds": N_("The limits of the score are in the wrong order"),
    "error.match_thresholds.remedy": N_(
        "Pairs are looked at from {review} and proposed from {accept}: between 0 and 1."
    ),
    "error.match_share": N_("{share} is no share of customers"),
    "error.match_share.remedy": N_("Give a share between 0 and 1."),
    "error.match_block": N_("Blocks of {n} records are not possible"),
    "error.match_block.remedy": N_("Choose between 2 and 1,000."),
    "error.match_pair_unreadable": N_("A decided pair is not two codes of records"),
    "error.match_pair_unreadable.remedy": N_("Decide the pair again on Integration."),
    "error.match_pair_twice": N_("{n} pairs are both accepted and refused"),
    "error.match_pair_twice.remedy": N_("Decide each pair once."),
    "error.match_no_fields": N_("There is nothing to tell customers by"),
    "error.match_no_fields.remedy": N_(
        "Say on the Upload page which column holds a name, an e-mail, a phone, a birth year or a city."
    ),
    "error.join_no_keys": N_("No column is chosen to join by"),
    "error.join_no_keys.remedy": N_("Choose a column of each table."),
    "error.join_column_missing": N_("There is no column {column} to join by"),
    "error.join_column_missing.remedy": N_("Choose another column."),
    "error.currency_unknown": N_("{currency} is no code of a currency"),
    "error.currency_unknown.remedy": N_("Give three capital letters, such as TWD, CNY or GBP."),
    "error.rate_unreadable": N_("{rate} is no rate for {currency}"),
    "error.rate_unreadable.remedy": N_("Write a number above zero with a point, such as 32.5."),
    "error.rate_twice": N_("{currency} has two rates for the same days"),
    "error.rate_twice.remedy": N_("Give one rate for each currency, and further ones for days that do not overlap."),
    "error.rate_days": N_("The days of a rate of {currency} are in the wrong order"),
    "error.rate_days.remedy": N_("Choose a first day that is not after the last."),
    "error.currency_all_apart": N_("No order line is in {currency}"),
    "error.currency_all_apart.remedy": N_("Choose another currency, or give rates to convert the {n} lines."),
}
