"""
Money: prices and costs, what is held and spent of budgets, settlement, and sums.
"""
