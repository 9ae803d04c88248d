FROM python:3.13-slim AS flowpilot
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN useradd --system --uid 1000 flowpilot && install -d -o flowpilot /data
USER flowpilot
VOLUME /data
ENTRYPOINT ["python", "manage.py"]

FROM debian:trixie-slim AS pgbouncer
RUN apt-get update && apt-get install -y --no-install-recommends pgbouncer && rm -rf /var/lib/apt/lists/* \
    && install -d -o postgres /run/pgbouncer
USER postgres
CMD ["sh", "-c", "umask 077 && printf '\"flowpilot_app\" \"%s\"\\n' \"$APP_PASSWORD\" > /run/pgbouncer/userlist.txt && exec pgbouncer /etc/pgbouncer/pgbouncer.ini"]
