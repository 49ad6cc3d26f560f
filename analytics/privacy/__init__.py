"""Personal data: found, replaced by keyed pseudonyms before any analysis, hidden in small cells, erased on request."""

from analytics.privacy.detectors import DETECTORS
from analytics.privacy.pseudonyms import (
    Erased,
    Secret,
    erase,
    erased_balance,
    find_customer,
    owner_list,
    protect_quarantine,
    protect_rows,
    pseudonymise,
    pseudonymise_ids,
)
from analytics.privacy.scan import PrivacyScan, scan, scan_dataset
from analytics.privacy.spec import PrivacySpec
from analytics.privacy.suppression import Suppression, hide_in_lines, suppress

__all__ = [
    "DETECTORS",
    "Erased",
    "PrivacyScan",
    "PrivacySpec",
    "Secret",
    "Suppression",
    "erase",
    "erased_balance",
    "find_customer",
    "hide_in_lines",
    "owner_list",
    "protect_quarantine",
    "protect_rows",
    "pseudonymise",
    "pseudonymise_ids",
    "scan",
    "scan_dataset",
    "suppress",
]
