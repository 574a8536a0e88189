"""The pages of docs/ and the README are tests: what they show is run, what they list is complete."""
