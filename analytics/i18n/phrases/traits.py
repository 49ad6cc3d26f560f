"""Words for what else describes a customer."""

from analytics.i18n.marks import N_

PHRASES = {
    "progress.gather_traits": N_("Gathering what describes customers"),
    "field.category_mix": N_("Categories bought"),
    "field.brand_mix": N_("Brands bought"),
    "field.channel_mix": N_("Channels of orders"),
    "field.payment_mix": N_("Payment of orders"),
    "field.n_sessions": N_("Visits"),
    "field.n_views": N_("Products viewed"),
    "field.days_since_visit": N_("Days since last visit"),
    "field.cart_share": N_("Put into the cart per view"),
    "field.n_reviews": N_("Reviews written"),
    "field.mean_rating": N_("Average rating given"),
    # A column that counts one level, or a flag for one answer: "category_mix: Groceries".
    "field.of_trait": N_("{trait}: {level}"),
    "field.of_trait.rest": N_("all others"),
    "field.survey": N_("Survey"),
    # Headings that survey tables often have.
    "field.nps": N_("Would recommend (0–10)"),
    "field.satisfaction": N_("Satisfaction"),
    "field.price_sensitivity": N_("Price sensitivity"),
    "field.brand_loyalty": N_("Brand loyalty"),
    "field.novelty_seeking": N_("Novelty seeking"),
    "field.convenience": N_("Wish for convenience"),
    "field.sustainability": N_("Care for sustainability"),
    "field.reasons_to_buy": N_("Reasons to buy"),
}
