"""A kiosk that checks volunteers in at a community station and logs their duties."""
