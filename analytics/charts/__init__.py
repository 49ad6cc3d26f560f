"""One module per analysis: ``Result -> chart``, a finished Vega-Lite dictionary; ``theme`` holds what they share."""
