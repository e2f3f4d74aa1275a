"""What lies on the ground, searched by place: points near others, places in use, and recorded rows."""
