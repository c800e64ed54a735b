# Without keys, demo pictures: docker build --target simulator
FROM python:3.11-slim AS simulator

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY simulator/requirements.txt simulator/
RUN pip install --no-cache-dir --require-hashes -r simulator/requirements.txt
COPY simulator simulator
USER 10001
EXPOSE 9000
CMD ["python", "-m", "simulator", "--host", "0.0.0.0", "--port", "9000"]

# One image for both processes: the web server by default, a consumer with
#   docker run … jimeng huey_consumer wsgi.huey -w 8 -n -g TERM
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=8080
WORKDIR /app

COPY requirements.txt requirements-s3.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
# What an object store for pictures needs: docker build --build-arg STORAGE=s3
ARG STORAGE=gridfs
RUN test "$STORAGE" != s3 \
  || pip install --no-cache-dir --require-hashes -r requirements-s3.txt

COPY app.py wsgi.py gunicorn.conf.py Procfile ./
COPY jimeng jimeng
COPY templates templates
COPY static static
# Tasks are in MongoDB, and so are pictures unless STORAGE says otherwise. Only with
# STORAGE=file something is written at run time, to STORAGE_DIR: a volume begins with
# the owner of this directory.
RUN python -m compileall -q app.py wsgi.py jimeng \
  && useradd --system --no-create-home --uid 10001 jimeng \
  && mkdir -p /var/lib/jimeng/pictures \
  && chown -R jimeng /var/lib/jimeng
# The commit, which the image has no repository to tell: make docker-build says it.
ARG SOURCE_VERSION=
ENV SOURCE_VERSION=$SOURCE_VERSION
USER 10001

EXPOSE 8080
CMD ["gunicorn", "wsgi:app"]
