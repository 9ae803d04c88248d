#!/bin/sh
# Runs once, when PostgreSQL makes its files: the roles of docs/dev-env.md and the database.
set -eu
psql -v ON_ERROR_STOP=1 -v owner="$OWNER_PASSWORD" -v app="$APP_PASSWORD" --username postgres <<'SQL'
CREATE ROLE flowpilot_owner LOGIN BYPASSRLS PASSWORD :'owner';
CREATE ROLE flowpilot_app LOGIN NOBYPASSRLS PASSWORD :'app';
CREATE ROLE flowpilot_search NOLOGIN BYPASSRLS;
GRANT flowpilot_search TO flowpilot_owner;
ALTER ROLE flowpilot_app SET statement_timeout = '10s';
ALTER ROLE flowpilot_app SET lock_timeout = '3s';
ALTER ROLE flowpilot_app SET idle_in_transaction_session_timeout = '30s';
CREATE DATABASE flowpilot OWNER flowpilot_owner;
SQL
