"""What two screens share: the frame of a page, its fields and its choices. Widgets know no station and no record."""
