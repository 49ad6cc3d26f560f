"""The steps of the walk, in their order, and the pages about the work itself: the pages of the app."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.i18n import N_


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the walk: its file is ``app_pages/<name>.py`` and its address ``/<name>``."""

    name: str
    section: str
    title: str
    question: str
    icon: str
    needs: tuple[str, ...] = ()
    next: str = ""
    next_label: str = ""
    deed: str = ""  # shown to whoever may do this; to anybody where it is ""


STEPS: tuple[Step, ...] = (
    Step(
        "upload",
        N_("Collect"),
        N_("Upload"),
        N_("Which data do we have, and which column is what?"),
        ":material/upload_file:",
        next="validation",
        next_label=N_("Next: can these data be trusted?"),
    ),
    Step(
        "validation",
        N_("Collect"),
        N_("Validation"),
        N_("Can these data be trusted, and what happened to the rest?"),
        ":material/fact_check:",
        next="integration",
        next_label=N_("Next: who is recorded twice?"),
    ),
    Step(
        "integration",
        N_("Collect"),
        N_("Integration"),
        N_("Which records are one person, and do the tables fit together?"),
        ":material/merge:",
        next="privacy",
        next_label=N_("Next: is anybody's privacy given away?"),
    ),
    Step(
        "privacy",
        N_("Collect"),
        N_("Privacy"),
        N_("Whose personal data is in here, and what is done to protect it?"),
        ":material/shield_person:",
        next="behaviour",
        next_label=N_("Next: how do customers behave?"),
    ),
    Step(
        "behaviour",
        N_("Understand"),
        N_("Behaviour"),
        N_("How do customers behave, and what do they prefer?"),
        ":material/shopping_bag:",
        needs=("transactions.ordered_at",),
        next="usage",
        next_label=N_("Next: how do they browse?"),
    ),
    Step(
        "usage",
        N_("Understand"),
        N_("Product usage"),
        N_("How do they browse and use what we offer?"),
        ":material/touch_app:",
        needs=("events.customer_id", "events.occurred_at", "events.event"),
        next="customer",
        next_label=N_("Next: who is one of them?"),
    ),
    Step(
        "customer",
        N_("Understand"),
        N_("One customer"),
        N_("Who is this customer, and what did they do?"),
        ":material/person_search:",
        next="personas",
        next_label=N_("Next: who are these customers?"),
    ),
    Step(
        "personas",
        N_("Understand"),
        N_("Personas"),
        N_("Who are these customers, in a form a colleague can remember?"),
        ":material/groups:",
        next="segmentation",
        next_label=N_("Next: change how they are grouped"),
    ),
    Step(
        "segmentation",
        N_("Understand"),
        N_("Segmentation"),
        N_("Which kinds of customer do we have, and how different are they?"),
        ":material/bubble_chart:",
        next="what_if",
        next_label=N_("Next: what if they were cut another way?"),
    ),
    Step(
        "what_if",
        N_("Understand"),
        N_("What if"),
        N_("What if they were cut another way?"),
        ":material/compare_arrows:",
        next="lifecycle",
        next_label=N_("Next: at what stage is each customer?"),
    ),
    Step(
        "lifecycle",
        N_("Understand"),
        N_("Lifecycle"),
        N_("At what stage is each customer, and who comes back?"),
        ":material/cycle:",
        needs=("transactions.customer_id", "transactions.ordered_at"),
        next="leaving",
        next_label=N_("Next: when do they leave?"),
    ),
    Step(
        "leaving",
        N_("Predict"),
        N_("When do they leave"),
        N_("When do they leave, why, and who is next?"),
        ":material/hourglass_bottom:",
        next="early_warning",
        next_label=N_("Next: who is about to leave?"),
    ),
    Step(
        "early_warning",
        N_("Predict"),
        N_("Early warning"),
        N_("Who is about to leave?"),
        ":material/notification_important:",
        next="value",
        next_label=N_("Next: what is each customer worth?"),
    ),
    Step(
        "value",
        N_("Predict"),
        N_("Customer value"),
        N_("What is each customer worth?"),
        ":material/paid:",
        needs=("transactions.customer_id", "transactions.ordered_at"),
        next="portfolio",
        next_label=N_("Next: whom to protect, grow, win back?"),
    ),
    Step(
        "portfolio",
        N_("Predict"),
        N_("Portfolio"),
        N_("Whom to protect, grow, win back, let go?"),
        ":material/category:",
        needs=("transactions.customer_id", "transactions.ordered_at"),
        next="forecasting",
        next_label=N_("Next: what will they want?"),
    ),
    Step(
        "forecasting",
        N_("Predict"),
        N_("Demand forecasting"),
        N_("How much will be sold, and how sure are we?"),
        ":material/trending_up:",
        next="demand_outlook",
        next_label=N_("Next: what of all series?"),
    ),
    Step(
        "demand_outlook",
        N_("Predict"),
        N_("All series"),
        N_("What is to be expected of every series, and which will move?"),
        ":material/stacked_line_chart:",
        next="planning",
        next_label=N_("Next: what price, promotion and stock?"),
    ),
    Step(
        "planning",
        N_("Predict"),
        N_("Price, promotion, stock"),
        N_("What if the price, a promotion or an event were another, and how much should be in stock?"),
        ":material/inventory_2:",
        next="product_life",
        next_label=N_("Next: at what stage of life is each product?"),
    ),
    Step(
        "product_life",
        N_("Predict"),
        N_("Product life cycle"),
        N_("Which products are growing, steady, fading or gone?"),
        ":material/potted_plant:",
        next="upload",
        next_label=N_("Again with your own file"),
    ),
)


# Pages about the work itself, beside the walk.
WORK: tuple[Step, ...] = (
    Step(
        "workspaces",
        N_("Work"),
        N_("Workspaces"),
        N_("Which work is saved here, who changed it, and where shall we go on?"),
        ":material/folder_open:",
    ),
    Step(
        "operations",
        N_("Work"),
        N_("Operations"),
        N_("Is everything in order, and what may go?"),
        ":material/monitor_heart:",
        deed="operate",
    ),
)
PAGES = (*STEPS, *WORK)


def step(name: str) -> Step:
    return next(item for item in PAGES if item.name == name)
