"""Defects of Keras that are known, and differences that are documented: data that findings are matched with.

Each defect has a page in docs/defects/, with the smallest script that shows it.
"""
