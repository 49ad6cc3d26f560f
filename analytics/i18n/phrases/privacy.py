"""Words for personal data: what was found, what is done, what is refused."""

from analytics.i18n.marks import N_

PHRASES: dict[str, str] = {
    "progress.scan": N_("Looking for personal data"),
    "progress.scan_dataset": N_("Looking for personal data"),
    "progress.pseudonymise": N_("Replacing personal data"),
    "progress.erase": N_("Erasing customers"),
    "error.privacy_k_range": N_("{k} is no usable size of the smallest group"),
    "error.privacy_k_range.remedy": N_("Choose a number from {lowest} to {highest}."),
    "error.customer_not_found": N_("No customer has this id"),
    "error.customer_not_found.remedy": N_(
        "Give the id as it stands in the file, or the pseudonym that a page shows. Nothing was erased."
    ),
    "caveat.privacy_ids_personal": N_("Customer ids are personal data themselves"),
    "caveat.privacy_ids_personal.body": N_(
        "They look like e-mails, phones or identity numbers, so pages and downloads show pseudonyms in their place."
    ),
    "detector.email": N_("E-mail"),
    "detector.resident_id": N_("Chinese resident id"),
    "detector.taiwan_id": N_("Taiwan national id"),
    "detector.bank_card": N_("Bank card"),
    "detector.phone": N_("Phone"),
    "detector.address": N_("Postal address"),
    "detector.name": N_("Name"),
    "treatment.pseudonym": N_("Replaced by pseudonyms"),
    "treatment.drop": N_("Column left out"),
    "treatment.scrub": N_("Taken out of the text"),
    "treatment.keep": N_("Kept: does not name a customer"),
    "option.identifiers.pseudonym": N_("Replace by pseudonyms"),
    "option.identifiers.drop": N_("Leave the columns out"),
}
