"""What a spec can say: pydantic models, and the conditions of gates.

May import document, dagfile and what lies below.
"""
