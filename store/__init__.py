"""Work that lasts: uploads as files named by their content, workspaces, links and people in a database.

No Streamlit here, and no analysis: a Workspace is written and read as JSON (``analytics.workspace``).
"""
