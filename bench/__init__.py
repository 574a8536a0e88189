"""`make bench`: what a request costs in Kingpost and in what people use today. README.md says how it is measured."""
