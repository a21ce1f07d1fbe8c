"""The bench judges learners: scores, and intervals over regions."""
