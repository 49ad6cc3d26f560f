"""Words of the queue before the workers, and of what one person may ask of them."""

from __future__ import annotations

from analytics.i18n.marks import N_

PHRASES = {
    "error.queue_full": N_("{n} of your steps are waiting for a worker already"),
    "error.queue_full.remedy": N_("Stop one of them in another window, or run this one again when they are done."),
    "error.queue_long": N_("{n} steps are waiting for a worker: that is all this server takes at once"),
    "error.queue_long.remedy": N_("Your data and choices are kept. Run it again in a minute or two."),
    "error.person_seconds_spent": N_("Your steps have worked for {minutes} minutes within the last {window}"),
    "error.person_seconds_spent.remedy": N_(
        "Others are waiting for the same workers. What is computed stays open to you; run new steps again later."
    ),
}
