"""What the pages share: session (state and link), compute (cache and workers), page (frame), widgets."""
