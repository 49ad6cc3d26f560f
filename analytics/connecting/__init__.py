"""Data that are elsewhere or big: the server's folder, PostgreSQL, files that stream instead of being loaded."""

from analytics.connecting.folder import FolderFile, digest_file, list_files, locate
from analytics.connecting.postgres import Credentials, FetchedTable, TableName, fetch_table, list_tables
from analytics.connecting.streaming import LocalFile, read_file

__all__ = [
    "Credentials",
    "FetchedTable",
    "FolderFile",
    "LocalFile",
    "TableName",
    "digest_file",
    "fetch_table",
    "list_files",
    "list_tables",
    "locate",
    "read_file",
]
