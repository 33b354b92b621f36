"""What a pipeline costs: a plan becomes terms, amounts times rates, each with its day and source.

May import `tasks` and what lies below. Numbers of the outside are rows of `catalogue/`; what no row says is a
finding or a note, never 0.
"""
