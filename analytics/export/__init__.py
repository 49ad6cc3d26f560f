"""Results as files that people use: tables as CSV and XLSX."""
