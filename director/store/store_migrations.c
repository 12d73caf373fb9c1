#include "director/store/store_internal.h"

/* Each entry brings the schema from its index to the next user_version. An entry that was released is never changed:
 * append. Numbers of states and kinds are those of the enums in the aggregates' headers. */
const char *const store_migrations[] = {
    "CREATE TABLE transporter ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " sealing_key BLOB NOT NULL, key_sha256 BLOB NOT NULL, advertise TEXT NOT NULL, software_version TEXT NOT NULL,"
    " task_slots INTEGER NOT NULL, enrolled_ms INTEGER NOT NULL, certificate_expires_ms INTEGER NOT NULL,"
    " last_seen_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL, labels TEXT NOT NULL) STRICT;"

    "CREATE TABLE invite ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, token_sha256 BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
    " labels TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL,"
    " used_by TEXT) STRICT;"

    "CREATE TABLE tenant ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " microsoft_secret TEXT REFERENCES secret (id), created_ms INTEGER NOT NULL, discovered_ms INTEGER NOT NULL)"
    " STRICT;"

    "CREATE TABLE secret ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, purpose INTEGER NOT NULL,"
    " tenant TEXT REFERENCES tenant (id) ON DELETE CASCADE, created_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX secret_by_tenant ON secret (tenant);"

    "CREATE TABLE secret_slot ("
    " secret TEXT NOT NULL REFERENCES secret (id) ON DELETE CASCADE,"
    " transporter TEXT NOT NULL REFERENCES transporter (id), sealed BLOB NOT NULL, sealed_ms INTEGER NOT NULL,"
    " PRIMARY KEY (secret, transporter)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX secret_slot_by_transporter ON secret_slot (transporter);"

    "CREATE TABLE repository ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " host TEXT NOT NULL REFERENCES transporter (id), storage_secret TEXT REFERENCES secret (id),"
    " state INTEGER NOT NULL, error_kind TEXT NOT NULL, error_text TEXT NOT NULL, free_bytes INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, reported_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX repository_by_host ON repository (host);"
    "CREATE INDEX repository_by_secret ON repository (storage_secret);"

    "CREATE TABLE vault ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " tenant TEXT NOT NULL REFERENCES tenant (id), repository TEXT NOT NULL REFERENCES repository (id),"
    " password_secret TEXT REFERENCES secret (id), state INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX vault_by_tenant ON vault (tenant);"
    "CREATE INDEX vault_by_repository ON vault (repository);"
    "CREATE INDEX vault_by_secret ON vault (password_secret);"

    "CREATE TABLE object ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,"
    " kind INTEGER NOT NULL, external_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE,"
    " first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL, UNIQUE (tenant, kind, external_id)) STRICT;"
    "CREATE INDEX object_by_name ON object (tenant, name, id);"

    "CREATE TABLE job ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " tenant TEXT NOT NULL REFERENCES tenant (id), vault TEXT NOT NULL REFERENCES vault (id),"
    " everything INTEGER NOT NULL, enabled INTEGER NOT NULL, selector TEXT NOT NULL, options TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX job_by_tenant ON job (tenant);"
    "CREATE INDEX job_by_vault ON job (vault);"

    "CREATE TABLE job_rule ("
    " job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, ordinal INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " pattern TEXT NOT NULL, PRIMARY KEY (job, ordinal)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE run ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL,"
    " job TEXT REFERENCES job (id) ON DELETE SET NULL, tenant TEXT REFERENCES tenant (id) ON DELETE CASCADE,"
    " vault TEXT REFERENCES vault (id) ON DELETE SET NULL, actor TEXT NOT NULL, state INTEGER NOT NULL,"
    " cancel_requested INTEGER NOT NULL, created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " finished_ms INTEGER NOT NULL, tasks INTEGER NOT NULL, tasks_done INTEGER NOT NULL,"
    " tasks_failed INTEGER NOT NULL, tasks_cancelled INTEGER NOT NULL, items_done INTEGER NOT NULL,"
    " items_total INTEGER NOT NULL, bytes_read INTEGER NOT NULL, bytes_total INTEGER NOT NULL,"
    " bytes_stored INTEGER NOT NULL, requests INTEGER NOT NULL, throttled_ms INTEGER NOT NULL,"
    " items_skipped INTEGER NOT NULL, items_failed INTEGER NOT NULL, chunks_checked INTEGER NOT NULL,"
    " damaged INTEGER NOT NULL, error_kind TEXT NOT NULL, error_text TEXT NOT NULL) STRICT;"
    "CREATE INDEX run_by_tenant ON run (tenant);"
    "CREATE INDEX run_by_job ON run (job);"
    "CREATE INDEX run_by_vault ON run (vault);"
    "CREATE INDEX run_unfinished ON run (seq) WHERE state < 2;"

    "CREATE TABLE task ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    " tenant TEXT REFERENCES tenant (id) ON DELETE CASCADE, kind INTEGER NOT NULL,"
    " object TEXT REFERENCES object (id) ON DELETE CASCADE, vault TEXT REFERENCES vault (id) ON DELETE SET NULL,"
    " scope TEXT NOT NULL, exclusive TEXT NOT NULL, selector TEXT NOT NULL, pinned TEXT,"
    " selection_secret TEXT REFERENCES secret (id) ON DELETE SET NULL, spec TEXT NOT NULL, state INTEGER NOT NULL,"
    " cancel_requested INTEGER NOT NULL, transporter TEXT, fence INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " losses INTEGER NOT NULL, not_before_ms INTEGER NOT NULL, lease_until_ms INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL, phase TEXT NOT NULL,"
    " waiting TEXT NOT NULL, items_done INTEGER NOT NULL, items_total INTEGER NOT NULL, bytes_read INTEGER NOT NULL,"
    " bytes_total INTEGER NOT NULL, bytes_stored INTEGER NOT NULL, requests INTEGER NOT NULL,"
    " throttled_ms INTEGER NOT NULL, items_skipped INTEGER NOT NULL, items_failed INTEGER NOT NULL,"
    " chunks_checked INTEGER NOT NULL, damaged INTEGER NOT NULL, error_kind TEXT NOT NULL, error_text TEXT NOT NULL)"
    " STRICT;"
    "CREATE INDEX task_by_run ON task (run);"
    "CREATE INDEX task_by_tenant ON task (tenant);"
    "CREATE INDEX task_by_object ON task (object);"
    "CREATE INDEX task_by_vault ON task (vault);"
    "CREATE INDEX task_by_selection ON task (selection_secret);"
    "CREATE INDEX task_unfinished ON task (vault) WHERE state < 3;"
    "CREATE INDEX task_due ON task (seq) WHERE state = 0;"
    "CREATE INDEX task_held ON task (transporter) WHERE state IN (1, 2);"
    "CREATE UNIQUE INDEX task_exclusive ON task (exclusive) WHERE state IN (1, 2) AND exclusive <> '';"

    /* Outlives vaults: a number is never given twice. */
    "CREATE TABLE fence ("
    " vault TEXT NOT NULL, scope TEXT NOT NULL, fence INTEGER NOT NULL, PRIMARY KEY (vault, scope))"
    " STRICT, WITHOUT ROWID;"

    "CREATE TABLE gap ("
    " task TEXT NOT NULL REFERENCES task (id) ON DELETE CASCADE, reason TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY (task, reason)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE point ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL REFERENCES tenant (id),"
    " vault TEXT NOT NULL REFERENCES vault (id), object TEXT NOT NULL REFERENCES object (id), run TEXT,"
    " previous TEXT, created_ms INTEGER NOT NULL, recorded_ms INTEGER NOT NULL, items INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, items_new INTEGER NOT NULL,"
    " items_changed INTEGER NOT NULL, items_deleted INTEGER NOT NULL, items_skipped INTEGER NOT NULL,"
    " items_failed INTEGER NOT NULL) STRICT;"
    "CREATE INDEX point_by_object ON point (object, vault);"
    "CREATE INDEX point_by_vault ON point (vault);"
    "CREATE INDEX point_by_tenant ON point (tenant);"
    "CREATE INDEX point_by_run ON point (run);"

    "CREATE TABLE event ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, tenant TEXT NOT NULL, actor TEXT NOT NULL,"
    " type TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_by_tenant ON event (tenant, seq);"
    "CREATE TRIGGER event_kept BEFORE DELETE ON event BEGIN SELECT RAISE (ABORT, 'events are kept'); END;"
    "CREATE TRIGGER event_fixed BEFORE UPDATE ON event BEGIN SELECT RAISE (ABORT, 'events are fixed'); END;"

    "CREATE TABLE token ("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " token_sha256 BLOB NOT NULL UNIQUE, scope INTEGER NOT NULL, tenant TEXT REFERENCES tenant (id) ON DELETE CASCADE,"
    " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, last_used_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX token_by_tenant ON token (tenant);",

    "ALTER TABLE repository ADD COLUMN locks INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE repository ADD COLUMN probe TEXT NOT NULL DEFAULT '';",

    /* Copies of points and vaults: rows of their own, that know the id they are stored under. */
    "ALTER TABLE vault ADD COLUMN stored_as TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE point ADD COLUMN stored_as TEXT NOT NULL DEFAULT '';"
    "CREATE UNIQUE INDEX point_copied ON point (vault, stored_as) WHERE stored_as <> '';"
    "ALTER TABLE job ADD COLUMN source TEXT REFERENCES vault (id);"
    "CREATE INDEX job_by_source ON job (source);",

    "ALTER TABLE vault ADD COLUMN locked_until_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE vault ADD COLUMN lock_days INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE vault ADD COLUMN lock_told INTEGER NOT NULL DEFAULT 0;",

    /* Points that a sweep has retired, and that can still be brought back. */
    "ALTER TABLE point ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;",

    /* What a task says of itself when it is over. */
    "ALTER TABLE task ADD COLUMN summary TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE task ADD COLUMN figures TEXT NOT NULL DEFAULT '';",
};

const size_t store_migrations_count = ARRAY_LEN(store_migrations);
