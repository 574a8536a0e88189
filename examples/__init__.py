"""What Kingpost looks like in use."""
