"""Customer analytics as pure functions: ``verb(data, spec) -> Result``. No Streamlit below this line."""
