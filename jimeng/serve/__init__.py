"""What `gunicorn.conf.py` tells the application, and the commands of older releases."""
