"""The server: Streamlit's own with what every answer carries. Start it with ``uv run streamlit run app.py``."""

from pathlib import Path

import streamlit as st

from serving.headers import MIDDLEWARE

app = st.App(Path(__file__).parent / "frame.py", middleware=MIDDLEWARE)
