"""One customer, seen from all sides: what they did, when, and where that stands among all customers.

Every figure names the rows it is made of (``Rows``); ``rows_of`` fetches exactly these. Texts are scrubbed of personal
data once more before they are shown, and no direct identifier is ever among the columns.
"""

from analytics.portrait.lists import LISTS, CustomerList, list_customers, search_customers
from analytics.portrait.portray import portray
from analytics.portrait.rows import Condition, Rows, rows_of
from analytics.portrait.spec import LANES, Portrait, PortraitSpec, Rhythm

__all__ = [
    "LANES",
    "LISTS",
    "Condition",
    "CustomerList",
    "Portrait",
    "PortraitSpec",
    "Rhythm",
    "Rows",
    "list_customers",
    "portray",
    "rows_of",
    "search_customers",
]
