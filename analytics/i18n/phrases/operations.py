"""Words for what keeps a server: retention, back-up, erasing, and what the Operations page watches."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "error.keep_days_unusable": N_("The days of retention are no number of days"),
    "error.keep_days_unusable.remedy": N_(
        "REGULARS_KEEP_DAYS says {value}; give a whole number from 1 to {most}. Until then nothing is swept."
    ),
    "error.backup_target": N_("There is something at {place} already"),
    "error.backup_target.remedy": N_(
        "Name a folder that does not exist yet: a back-up never takes the place of anything."
    ),
    "error.upload_damaged": N_("A stored file is not what it was when it came ({digest})"),
    "error.upload_damaged.remedy": N_(
        "The disk may be failing. Bring the file back from an earlier back-up, or erase it, then back up again."
    ),
    "error.backup_damaged": N_("The back-up is damaged at {part}; nothing was restored"),
    "error.backup_damaged.remedy": N_("Take another back-up. This one is not what it was when it was written."),
    "error.backup_newer": N_("The back-up was made by a newer version of Regulars"),
    "error.backup_newer.remedy": N_("Restore it with that version. Nothing was restored."),
    "error.restore_not_empty": N_("There is saved work here already"),
    "error.restore_not_empty.remedy": N_(
        "Restore into an empty store, or say --replace: what is here now is lost then. Nothing was restored."
    ),
    "error.person_unknown": N_("Nobody here has this id"),
    "error.person_unknown.remedy": N_("They may have been erased already. Look at the list again."),
    "caveat.disk_full": N_("The disk is almost full: {free} left"),
    "caveat.disk_full.body": N_(
        "Saving and uploading will fail soon. Free room, or let go of what is over its days; work in sight is not lost."
    ),
    "caveat.disk_filling": N_("The disk is filling up: {free} left"),
    "caveat.disk_filling.body": N_("{share} of it is free. Below {bad} saving and uploading are at risk."),
    "caveat.memory_high": N_("Memory is short: {free} left on this machine"),
    "caveat.memory_high.body": N_(
        "The server and its workers hold {held}. Empty the cache, lower REGULARS_STORE_MB, or give the machine more."
    ),
    "caveat.queue_long": N_("{waiting} steps wait for {workers} workers"),
    "caveat.queue_long.body": N_("People wait longer than usual. The slow steps below tell for what."),
    "caveat.workers_died": N_("{n} workers died since the server started"),
    "caveat.workers_died.body": N_(
        "Each was replaced. A step asked for more memory than REGULARS_WORKER_MB, or the machine ran short."
    ),
    "caveat.store_failing": N_("Saved work cannot be reached"),
    "caveat.store_failing.body": N_("{problem}. People go on with what they have in sight; nothing new is saved."),
    "caveat.sweep_overdue": N_("The daily sweep is overdue"),
    "caveat.sweep_overdue.body": N_(
        "It was last done {hours} hours ago. Sweep now; if it stays overdue, the log tells why it fails."
    ),
    "caveat.sweep_never": N_("No sweep was done yet"),
    "caveat.sweep_never.body": N_(
        "The server has been running for {hours} hours. Sweep now; if it stays so, the log tells why."
    ),
    "caveat.retention_unusable": N_("Nothing is swept: the days of retention are no number"),
    "caveat.retention_unusable.body": N_(
        "Set REGULARS_KEEP_DAYS to a whole number of days and start the server again."
    ),
    "field.session_who": N_("Who"),
    "field.session_since": N_("Here since"),
    "field.session_seen": N_("Last click"),
    "step.observe": N_("Looking from the chosen day"),
    "step.choices": N_("Finding what can be chosen"),
    "step.settle_currency": N_("Settling the currency"),
    "step.join_lookup": N_("Joining a second table"),
    "step.merge_customers": N_("Merging customer records"),
    "step.read_without": N_("Reading the file without the erased"),
    "step.protect_quarantine": N_("Protecting the rows set aside"),
    "step.in_currency_units": N_("Preparing the tables to leave the app"),
    "step.listed_aggregates": N_("Hiding small groups"),
    "step.prepare": N_("Preparing customers for segments"),
    "step.segment": N_("Cutting customers into segments"),
    "step.weigh_numbers": N_("Weighing the number of segments"),
    "step.explain_segments": N_("Explaining the segments"),
    "step.agree_on_another_draw": N_("Cutting another draw of customers"),
    "step.migrate": N_("Comparing two cuts"),
    "step.describe_personas": N_("Describing personas"),
    "step.describe_spending": N_("Describing spending"),
    "step.describe_methods": N_("Describing how people pay and order"),
    "step.describe_preferences": N_("Describing preferences"),
    "step.measure_concentration": N_("Measuring concentration"),
    "step.favourites": N_("Finding favourites"),
    "step.study_usage": N_("Studying product usage"),
    "step.list_customers": N_("Listing customers"),
    "step.portray": N_("Portraying one customer"),
    "step.trace_lifecycle": N_("Tracing the lifecycle"),
    "step.trace_flow": N_("Tracing who moved between stages"),
    "step.find_spells": N_("Finding how long customers stay"),
    "step.study_survival": N_("Studying survival"),
    "step.fit_hazards": N_("Fitting the reasons for leaving"),
    "step.foresee": N_("Foreseeing who leaves or orders"),
    "step.learn_churn": N_("Learning who leaves"),
    "step.judge": N_("Judging the warnings"),
    "step.estimate_value": N_("Estimating customer value"),
    "step.forecast": N_("Forecasting one series"),
    "step.forecast_all": N_("Forecasting all series"),
    "step.learn_response": N_("Learning the response to prices"),
    "step.play_scenarios": N_("Playing the scenarios"),
    "step.plan_stock": N_("Planning stock"),
    "step.trace_products": N_("Tracing the life cycle of products"),
    "step.find_evidence": N_("Finding evidence for stages"),
    "field.session_open": N_("What is open"),
    "field.leaving_at": N_("Vanishes"),
    "field.leaving_name": N_("Workspace"),
    "field.leaving_owner": N_("Owner"),
    "field.leaving_opened": N_("Last opened"),
    "field.leaving_files": N_("Files"),
    "field.leaving_size": N_("Size"),
    "field.leaving_why": N_("Because"),
    "field.deed_at": N_("When"),
    "field.deed_who": N_("Who"),
    "field.deed_what": N_("Deed"),
    "field.deed_count": N_("How many"),
    "field.deed_workspace": N_("Workspace"),
    "field.step_name": N_("Step"),
    "field.step_runs": N_("Runs"),
    "field.step_median": N_("Median, seconds"),
    "field.step_longest": N_("Longest, seconds"),
    "field.server_figure": N_("Figure"),
    "field.server_value": N_("Value"),
    "deed.swept": N_("Swept workspaces over their days"),
    "deed.workspace_erased": N_("Erased a workspace for good"),
    "deed.person_erased": N_("Erased everything of a person"),
    "deed.upload_erased": N_("Erased a file everywhere"),
    "deed.links_revoked": N_("Revoked all links of a workspace"),
    "deed.cache_emptied": N_("Emptied the cache"),
    "deed.link_made": N_("Made a link"),
    "deed.link_revoked": N_("Revoked a link"),
    "deed.add_colleague": N_("Let a colleague in"),
    "deed.remove_colleague": N_("Let a colleague in no longer"),
    "deed.exported_ids": N_("Took original ids along"),
}
