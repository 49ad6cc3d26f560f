"""Refresh the catalogues from the marks in the code and say what is still to be translated."""

from analytics.i18n.extraction import refresh

if __name__ == "__main__":
    for language, count in refresh().items():
        print(f"{language}: {count} to translate")
