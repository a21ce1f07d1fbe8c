"""What people read: the page of a map, the table of a comparison, the curves of a training."""
