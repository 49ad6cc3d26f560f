"""Is everything in order, and what may go?"""

import streamlit as st

from analytics.charts import operations as charts
from app_pages.ui import operating, page, session
from app_pages.ui import operating_desk as desk
from app_pages.ui import operating_tables as tables

with page.frame("operations") as _:
    session.require("operate")
    page.lesson(_, "operations")
    operating.live(_)
    with page.section(_, "operations"):
        held = tables.held()
        tables.leaving(_, held)
        desk.sweeping(_, held)
        left, right = st.columns([5, 7], gap="large")
        with left:
            desk.erasing_for_good(_, held)
        with right:
            tables.deeds(_)
    with st.expander(_("When something wants care"), icon=":material/rule:", type="compact"):
        st.markdown(charts.thresholds(_))
    operating.report(_)
