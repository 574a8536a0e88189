"""A select said in SQL: values, conditions, rows and pages, by the kind of expression. The dialect has the words."""
