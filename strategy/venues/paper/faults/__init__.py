"""What can be made to go wrong: a model for each fault, and who carries it out."""
