"""Headquarters: which stations count, what they have handed in, and what is made of it. Its database is SQLAlchemy's.

It knows of no screen. It needs the extra `hq`.
"""
