"""What stands around the pages: headers of every answer, who a visitor is, what is logged."""
