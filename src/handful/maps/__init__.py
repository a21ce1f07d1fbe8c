"""Maps: scenes and labels in, maps out."""
