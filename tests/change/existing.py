"""Databases as other tools leave them behind, in the two dialects: a music shop, a web site, flights.

Written for these tests in the manner of well-known ones: CamelCase names and a table of links as in music shops that
databases are taught with; snake_case names, links with ids and types of content as web frameworks make them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

import asyncpg

Kind = Literal["sqlite", "postgres"]

MUSIC = """
CREATE TABLE "Artist" ("ArtistId" INTEGER NOT NULL PRIMARY KEY, "Name" {VARCHAR}(120));
CREATE TABLE "Album" (
    "AlbumId" INTEGER NOT NULL PRIMARY KEY,
    "Title" {VARCHAR}(160) NOT NULL,
    "ArtistId" INTEGER NOT NULL REFERENCES "Artist" ("ArtistId") ON DELETE CASCADE
);
CREATE INDEX "AlbumArtist" ON "Album" ("ArtistId");
CREATE TABLE "MediaType" ("MediaTypeId" INTEGER NOT NULL PRIMARY KEY, "Name" {VARCHAR}(120) NOT NULL UNIQUE);
CREATE TABLE "Track" (
    "TrackId" INTEGER NOT NULL PRIMARY KEY,
    "Name" {VARCHAR}(200) NOT NULL,
    "AlbumId" INTEGER REFERENCES "Album" ("AlbumId") ON DELETE SET NULL,
    "MediaTypeId" INTEGER NOT NULL REFERENCES "MediaType" ("MediaTypeId"),
    "Milliseconds" INTEGER NOT NULL CHECK ("Milliseconds" > 0),
    "Bytes" INTEGER,
    "UnitPrice" NUMERIC(10,2) NOT NULL DEFAULT 0.99,
    CONSTRAINT "Cheap" CHECK ("UnitPrice" * 1000 <= "Milliseconds")
);
CREATE INDEX "TrackName" ON "Track" ("Name", "Milliseconds" DESC);
CREATE TABLE "Playlist" ("PlaylistId" INTEGER NOT NULL PRIMARY KEY, "Name" {VARCHAR}(120));
CREATE TABLE "PlaylistTrack" (
    "PlaylistId" INTEGER NOT NULL REFERENCES "Playlist" ("PlaylistId"),
    "TrackId" INTEGER NOT NULL REFERENCES "Track" ("TrackId"),
    CONSTRAINT "PK_PlaylistTrack" PRIMARY KEY ("PlaylistId", "TrackId")
);
CREATE TABLE "Employee" (
    "EmployeeId" INTEGER NOT NULL PRIMARY KEY,
    "LastName" {VARCHAR}(20) NOT NULL,
    "ReportsTo" INTEGER REFERENCES "Employee" ("EmployeeId"),
    "HireDate" {TIMESTAMP},
    "Password" {VARCHAR}(60)
);
CREATE TABLE "Customer" (
    "CustomerId" INTEGER NOT NULL PRIMARY KEY,
    "Email" {VARCHAR}(60) NOT NULL,
    "SupportRepId" INTEGER REFERENCES "Employee" ("EmployeeId")
);
CREATE UNIQUE INDEX "CustomerEmail" ON "Customer" (lower("Email"));
CREATE TABLE "Invoice" (
    "InvoiceId" INTEGER NOT NULL PRIMARY KEY,
    "CustomerId" INTEGER NOT NULL REFERENCES "Customer" ("CustomerId"),
    "InvoiceDate" {TIMESTAMP} NOT NULL,
    "Total" NUMERIC(10,2) NOT NULL
);
CREATE TABLE "InvoiceLine" (
    "InvoiceLineId" INTEGER NOT NULL PRIMARY KEY,
    "InvoiceId" INTEGER NOT NULL REFERENCES "Invoice" ("InvoiceId"),
    "TrackId" INTEGER NOT NULL REFERENCES "Track" ("TrackId"),
    "Quantity" INTEGER NOT NULL
);
CREATE TABLE "Note" ("At" {TIMESTAMP}, "Words" TEXT);
CREATE VIEW "LongTrack" AS SELECT "TrackId", "Name" FROM "Track" WHERE "Milliseconds" > 300000;
INSERT INTO "Artist" VALUES (1, 'Orrin Vale'), (2, NULL);
INSERT INTO "Album" VALUES (1, 'Rafters', 1), (2, 'Eaves', 1), (3, 'Untold', 2);
INSERT INTO "MediaType" VALUES (1, 'tape');
INSERT INTO "Track" VALUES
    (1, 'Ridge', 1, 1, 215000, 5000000, 0.99), (2, 'Purlin', 1, 1, 341500, NULL, 1.29),
    (3, 'Loose', NULL, 1, 9900, 1, 0);
INSERT INTO "Playlist" VALUES (1, 'Evening'), (2, NULL);
INSERT INTO "PlaylistTrack" VALUES (1, 1), (1, 2), (2, 2);
INSERT INTO "Employee" VALUES (1, 'Adze', NULL, '2002-08-14 00:00:00', 'x'), (2, 'Maul', 1, '2003-01-02 09:30:00', 'y');
INSERT INTO "Customer" VALUES (1, 'lee@example.org', 2);
INSERT INTO "Invoice" VALUES (1, 1, '2021-01-01 00:00:00', 2.28);
INSERT INTO "InvoiceLine" VALUES (1, 1, 1, 1), (2, 1, 2, 1);
INSERT INTO "Note" VALUES ('2021-01-01 00:00:00', 'opened'), ('2021-01-01 00:00:00', 'opened');
"""

SITE = """
CREATE TABLE django_migrations (
    {id}, app {VARCHAR}(255) NOT NULL, name {VARCHAR}(255) NOT NULL, applied {STAMP} NOT NULL
);
CREATE TABLE django_content_type (
    {id}, app_label {VARCHAR}(100) NOT NULL, model {VARCHAR}(100) NOT NULL,
    CONSTRAINT content_type_app_label_model UNIQUE (app_label, model)
);
CREATE TABLE auth_permission (
    {id}, name {VARCHAR}(255) NOT NULL, content_type_id integer NOT NULL REFERENCES django_content_type (id) {DEFERRED},
    codename {VARCHAR}(100) NOT NULL, CONSTRAINT permission_type_codename UNIQUE (content_type_id, codename)
);
CREATE TABLE auth_group ({id}, name {VARCHAR}(150) NOT NULL UNIQUE);
CREATE TABLE auth_group_permissions (
    {bigid}, group_id integer NOT NULL REFERENCES auth_group (id) {DEFERRED},
    permission_id integer NOT NULL REFERENCES auth_permission (id) {DEFERRED},
    CONSTRAINT group_permissions_once UNIQUE (group_id, permission_id)
);
CREATE TABLE auth_user (
    {id}, password {VARCHAR}(128) NOT NULL, last_login {STAMP}, is_superuser {BOOL} NOT NULL,
    username {VARCHAR}(150) NOT NULL UNIQUE, date_joined {STAMP} NOT NULL
);
CREATE TABLE auth_user_groups (
    {bigid}, user_id integer NOT NULL REFERENCES auth_user (id) {DEFERRED},
    group_id integer NOT NULL REFERENCES auth_group (id) {DEFERRED},
    CONSTRAINT user_groups_once UNIQUE (user_id, group_id)
);
CREATE TABLE django_session (
    session_key {VARCHAR}(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, expire_date {STAMP} NOT NULL
);
CREATE INDEX session_expire ON django_session (expire_date);
CREATE TABLE shop_product (
    id {UUID} NOT NULL PRIMARY KEY, name {VARCHAR}(80) NOT NULL, price {DECIMAL} NOT NULL,
    stock integer {UNSIGNED} NOT NULL CHECK (stock >= 0), attributes {JSON} NOT NULL{JSON_CHECK}, weight {DOUBLE},
    released date, lead_time {DURATION}, opens {TIME}, created {STAMP} NOT NULL, state {VARCHAR}(10) NOT NULL,
    owner_id integer REFERENCES auth_user (id) ON DELETE SET NULL {DEFERRED}, "from" {INET}, picture {BYTES},
    CONSTRAINT known_state CHECK (state IN ('draft', 'live', 'gone')),
    CONSTRAINT live_is_released CHECK (state <> 'live' OR released IS NOT NULL)
);
CREATE UNIQUE INDEX one_live_name ON shop_product (name) WHERE state = 'live';
CREATE TABLE shop_product_related (
    {bigid}, from_product_id {UUID} NOT NULL REFERENCES shop_product (id) {DEFERRED},
    to_product_id {UUID} NOT NULL REFERENCES shop_product (id) {DEFERRED},
    CONSTRAINT related_once UNIQUE (from_product_id, to_product_id)
);
CREATE TABLE shop_tagged (
    {bigid}, object_id {VARCHAR}(64) NOT NULL, tag {VARCHAR}(30) NOT NULL,
    content_type_id integer NOT NULL REFERENCES django_content_type (id) ON DELETE CASCADE {DEFERRED}
);
CREATE INDEX tagged_object ON shop_tagged (content_type_id, object_id);
CREATE TABLE shop_profile (
    user_id integer NOT NULL PRIMARY KEY REFERENCES auth_user (id) ON DELETE CASCADE {DEFERRED}, class {VARCHAR}(20)
);
INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial', '2024-03-01 10:20:30.123456{ZONE}');
INSERT INTO django_content_type VALUES (1, 'shop', 'product');
INSERT INTO auth_permission VALUES (1, 'Can add product', 1, 'add_product');
INSERT INTO auth_group VALUES (1, 'clerks');
INSERT INTO auth_group_permissions VALUES (1, 1, 1);
INSERT INTO auth_user VALUES (1, 'hash', NULL, {TRUE}, 'ada', '2024-03-01 10:20:30.5{ZEROS}{ZONE}');
INSERT INTO auth_user_groups VALUES (1, 1, 1);
INSERT INTO django_session VALUES ('k', 'data', '2024-03-15 10:20:30{ZONE}');
INSERT INTO shop_product VALUES (
    '{UUID_ONE}', 'Adze', 12.50, 3, '{{"grip": "ash", "sizes": [1, 2]}}', 1.5, '2024-02-29',
    {ONE_DAY}, '08:30:00', '2024-03-01 10:20:30{ZONE}', 'live', 1, '10.0.0.7', {BLOB}
);
INSERT INTO shop_product VALUES (
    '{UUID_TWO}', 'Maul', 30, 0, '{{}}', NULL, NULL, NULL, NULL, '2024-03-02 00:00:00{ZONE}', 'draft', NULL, NULL, NULL
);
INSERT INTO shop_product_related VALUES (1, '{UUID_ONE}', '{UUID_TWO}');
INSERT INTO shop_tagged VALUES (1, '{UUID_ONE}', 'tool', 1);
INSERT INTO shop_profile VALUES (1, 'gold');
{RESTART}
"""
"""UUIDs, instants, durations and truth are written as each of the two is used to."""

_ONE, _TWO = "018f2b6c-0000-7000-8000-000000000001", "018f2b6c-0000-7000-8000-000000000002"
_TABLES = ("auth_user", "auth_group", "auth_permission", "django_content_type", "shop_tagged", "auth_user_groups")
WORDS: dict[Kind, dict[str, str]] = {
    "sqlite": {
        "VARCHAR": "varchar", "STAMP": "datetime", "TIMESTAMP": "DATETIME", "BOOL": "bool", "UUID": "char(32)",
        "DECIMAL": "decimal", "JSON": "text", "JSON_CHECK": " CHECK ((JSON_VALID(attributes) OR attributes IS NULL))",
        "DOUBLE": "real", "DURATION": "bigint", "TIME": "time", "INET": "char(39)", "BYTES": "BLOB",
        "UNSIGNED": "unsigned", "DEFERRED": "DEFERRABLE INITIALLY DEFERRED", "ZONE": "", "ZEROS": "00000", "TRUE": "1",
        "id": "id integer NOT NULL PRIMARY KEY AUTOINCREMENT", "bigid": "id integer NOT NULL PRIMARY KEY AUTOINCREMENT",
        "UUID_ONE": _ONE.replace("-", ""), "UUID_TWO": _TWO.replace("-", ""), "ONE_DAY": "86400000000",
        "BLOB": "X'00FF'", "RESTART": "",
    },
    "postgres": {
        "VARCHAR": "varchar", "STAMP": "timestamptz", "TIMESTAMP": "timestamp", "BOOL": "boolean", "UUID": "uuid",
        "DECIMAL": "numeric(8, 2)", "JSON": "jsonb", "JSON_CHECK": "", "DOUBLE": "double precision",
        "DURATION": "interval", "TIME": "time", "INET": "inet", "BYTES": "bytea", "UNSIGNED": "",
        "DEFERRED": "DEFERRABLE INITIALLY DEFERRED", "ZONE": "+00", "ZEROS": "", "TRUE": "true",
        "id": "id integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY",
        "bigid": "id bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY",
        "UUID_ONE": _ONE, "UUID_TWO": _TWO, "ONE_DAY": "interval '1 day'", "BLOB": r"'\x00ff'",
        "RESTART": "".join(f"SELECT setval(pg_get_serial_sequence('{one}', 'id'), 100);\n" for one in _TABLES),
    },
}  # fmt: skip

FLIGHTS = """
CREATE TABLE airlines (carrier TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE airports (faa TEXT PRIMARY KEY, name TEXT NOT NULL, lat REAL, lon REAL, alt INTEGER);
CREATE TABLE planes (tailnum TEXT PRIMARY KEY, year INTEGER, seats INTEGER);
CREATE TABLE weather (
    origin TEXT NOT NULL REFERENCES airports (faa), time_hour {INSTANT} NOT NULL, temp REAL, visib REAL,
    PRIMARY KEY (origin, time_hour)
);
CREATE TABLE flights (
    carrier TEXT NOT NULL REFERENCES airlines (carrier), flight INTEGER NOT NULL, tailnum TEXT{TO_PLANE},
    origin TEXT NOT NULL REFERENCES airports (faa), dest TEXT{TO_DEST}, dep_delay INTEGER, distance INTEGER,
    time_hour {INSTANT} NOT NULL, PRIMARY KEY (carrier, flight, origin, time_hour){TO_WEATHER}
);
INSERT INTO airlines VALUES ('KP', 'Kingpost Air'), ('QU', 'Queenpost');
INSERT INTO airports VALUES ('AAA', 'Aldermoor', 50.5, -1.25, 22), ('BBB', 'Brackwater', 51.0, 0.5, 355);
INSERT INTO planes VALUES ('N1', 1999, 55), ('N2', NULL, 180);
INSERT INTO weather VALUES ('AAA', '2013-01-01T10:00:00Z', 39.02, 10), ('AAA', '2013-01-01T11:00:00Z', NULL, 9.5);
INSERT INTO flights VALUES
    ('KP', 1545, 'N1', 'AAA', 'BBB', 2, 1400, '2013-01-01T10:00:00Z'),
    ('KP', 1714, 'LOST', 'AAA', 'BBB', -4, 1416, '2013-01-01T10:00:00Z'),
    ('QU', 7, NULL, 'AAA', 'XXX', NULL, 1089, '2013-01-01T12:00:00Z'),
    ('QU', 7, 'N2', 'BBB', 'AAA', 33, 1089, '2013-01-02T12:00:00Z');
{LATER}
"""
"""SQLite lets references dangle that it was not asked to look after; PostgreSQL those that came later than the rows."""

_LOOSE: dict[Kind, dict[str, str]] = {
    "sqlite": {
        "INSTANT": "TEXT", "TO_PLANE": " REFERENCES planes (tailnum)", "TO_DEST": " REFERENCES airports (faa)",
        "TO_WEATHER": ", FOREIGN KEY (origin, time_hour) REFERENCES weather (origin, time_hour)", "LATER": "",
    },
    "postgres": {
        "INSTANT": "timestamptz", "TO_PLANE": "", "TO_DEST": "", "TO_WEATHER": "",
        "LATER": """
            ALTER TABLE flights ADD FOREIGN KEY (tailnum) REFERENCES planes (tailnum) NOT VALID;
            ALTER TABLE flights ADD FOREIGN KEY (dest) REFERENCES airports (faa) NOT VALID;
            ALTER TABLE flights ADD FOREIGN KEY (origin, time_hour) REFERENCES weather (origin, time_hour) NOT VALID;
        """,
    },
}  # fmt: skip


def statements(kind: Kind, name: str) -> str:
    """The SQL that makes a database."""
    words = {**WORDS[kind], **_LOOSE[kind]}
    return {"music": MUSIC, "site": SITE, "flights": FLIGHTS}[name].format(**words)


async def make(kind: Kind, name: str, url: str) -> None:
    """Make one of the databases at an address."""
    if kind == "sqlite":
        with sqlite3.connect(Path(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(statements(kind, name))
        connection.close()
        return
    server = await asyncpg.connect(url)
    try:
        await server.execute(statements(kind, name))
    finally:
        await server.close()
