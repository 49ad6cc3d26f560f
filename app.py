"""The server: Streamlit's own with what every answer carries. Start it with ``uv run streamlit run app.py``."""

import gc
import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from serving import logs
from serving.headers import MIDDLEWARE


@asynccontextmanager
async def lifespan(_server: st.App) -> AsyncIterator[None]:
    """Before the first answer: the log's rule, bounds on threads, imports that sessions would race through, workers.

    Then the daily sweep, which begins with the first look at what is over its days.
    """
    logs.set_up()
    from app_pages.ui import threads

    threads.bound()  # before numpy and Polars are loaded
    import pandas  # noqa: F401 # Streamlit would load it when the first table is drawn

    from app_pages import ui
    from app_pages.ui import audience, session
    from app_pages.ui.compute import engine
    from store import retention

    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # what stays as long as the process is not looked through again and again
    workers = engine()
    end_retention = retention.run_daily(session.store, audience.opened)
    yield
    end_retention()
    workers.close()


app = st.App(Path(__file__).parent / "frame.py", middleware=MIDDLEWARE, lifespan=lifespan)
