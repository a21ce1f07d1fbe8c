"""How far a map can be trusted: spatial validation, calibration, applicability, area estimates."""
