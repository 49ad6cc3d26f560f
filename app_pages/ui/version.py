"""The version that every shown figure and saved file names."""

APP_VERSION = "0.1.0"
