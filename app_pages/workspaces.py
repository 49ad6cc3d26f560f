"""Which work is saved here, who changed it, and where shall we go on?"""

from app_pages.ui import page, work

with page.frame("workspaces") as _:
    work.choose(_)
    work.shelf(_)
    page.lesson(_, "workspaces")
