"""
HTTP for all interfaces: strict parsing of bodies, responses in JSON and of files,
ETags, authentication, and long polls.
"""
