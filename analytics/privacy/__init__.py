"""Personal data: found, replaced by keyed pseudonyms before any analysis, hidden in small cells, erased on request."""

from analytics.privacy.detectors import DETECTORS
from analytics.privacy.erasing import Cleared, clear_rows, erased_balance, find_customer, read_without
from analytics.privacy.pseudonyms import (
    Secret,
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
    "Cleared",
    "PrivacyScan",
    "PrivacySpec",
    "Secret",
    "Suppression",
    "clear_rows",
    "erased_balance",
    "find_customer",
    "hide_in_lines",
    "owner_list",
    "protect_quarantine",
    "protect_rows",
    "pseudonymise",
    "pseudonymise_ids",
    "read_without",
    "scan",
    "scan_dataset",
    "suppress",
]
