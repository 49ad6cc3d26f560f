"""What the session holds, by the keys of Streamlit's session state."""

VISIT = "visit"  # who is here, what is open, and how it stands with saving
WORKSPACE, HISTORY, UPLOADS, NOTICE = "workspace", "history", "uploads", "notice"
STOPPED = "stopped"
PAGE, TOLD = "page", "told"
STORED, FETCHING = "stored", "fetching"  # files on the server: digest -> LocalFile; the fetch under way
SHELF = "shelf"  # the choices for each sample market and for the person's own data, while another is looked at
TAKEN = "files-taken"  # ids of all files that ever came through the upload widget, whatever work was open
UPLOADER = "uploader"  # what the upload widget held when it was last drawn: id of the file -> digest
SECRET, ERASED = "secret", "erased"
