-- The schema, whole and idempotent: applied at every start whose copy of this file is new to the
-- database, under a lock, in one transaction. A later table or column is added below with IF NOT
-- EXISTS; nothing here is ever dropped or renamed.
--
-- Every moment is timestamptz, every duration says its unit. Effects of a call (callbacks and what
-- comes later) carry an idempotency key of call, turn and meaning, and are written in one
-- transaction with their row in effects. Their call_id references nothing, because the call's own
-- row is written when the call ends, after its effects.

CREATE TABLE IF NOT EXISTS companies (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS companies_name ON companies (lower(name));
COMMENT ON TABLE companies IS 'Firms that contacts work for; one row a name, whatever its case.';

CREATE TABLE IF NOT EXISTS contacts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone      text NOT NULL UNIQUE CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    name       text NOT NULL DEFAULT '',
    email      text NOT NULL DEFAULT '' CHECK (email = lower(email)),
    title      text NOT NULL DEFAULT '',
    company_id bigint REFERENCES companies,
    timezone   text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS contacts_email ON contacts (email) WHERE email <> '';
CREATE INDEX IF NOT EXISTS contacts_company ON contacts (company_id);
COMMENT ON TABLE contacts IS 'People we may talk to; the phone number says who is calling.';
COMMENT ON COLUMN contacts.phone IS 'E.164, for example +13125550142.';
COMMENT ON COLUMN contacts.email IS 'Lower case; empty when unknown.';
COMMENT ON COLUMN contacts.title IS 'Job title; empty when unknown.';
COMMENT ON COLUMN contacts.timezone IS 'IANA zone; null means the agent''s own.';

CREATE TABLE IF NOT EXISTS do_not_call (
    phone      text PRIMARY KEY CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    reason     text NOT NULL DEFAULT '',
    call_id    text,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE do_not_call IS 'Numbers that are never dialled. A number, not a contact: it holds for whoever answers.';
COMMENT ON COLUMN do_not_call.phone IS 'E.164.';
COMMENT ON COLUMN do_not_call.call_id IS 'The call in which it was asked for; null when imported.';

CREATE TABLE IF NOT EXISTS effects (
    key          text PRIMARY KEY,
    call_id      text NOT NULL,
    turn         integer NOT NULL CHECK (turn >= 0),
    tool         text NOT NULL,
    resolved     jsonb NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS effects_call ON effects (call_id, turn);
COMMENT ON TABLE effects IS 'Everything that a tool did, once: a repeated request finds its key here.';
COMMENT ON COLUMN effects.key IS 'Idempotency key: call/turn/tool/meaning.';
COMMENT ON COLUMN effects.turn IS 'Index of the turn in its call, from 0.';
COMMENT ON COLUMN effects.resolved IS 'The canonical values with which it was done.';

CREATE TABLE IF NOT EXISTS callbacks (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        text NOT NULL UNIQUE,
    contact_id bigint NOT NULL REFERENCES contacts,
    call_id    text NOT NULL,
    turn       integer NOT NULL CHECK (turn >= 0),
    due_at     timestamptz NOT NULL,
    timezone   text NOT NULL,
    span       text NOT NULL,
    status     text NOT NULL DEFAULT 'waiting'
               CHECK (status IN ('waiting', 'superseded', 'leased', 'done', 'failed', 'refused')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- A changed mind replaces: of one call, at most one callback waits.
CREATE UNIQUE INDEX IF NOT EXISTS callbacks_one_waiting ON callbacks (call_id) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (due_at) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS callbacks_contact ON callbacks (contact_id);
COMMENT ON TABLE callbacks IS 'Calls that we promised to place.';
COMMENT ON COLUMN callbacks.key IS 'Idempotency key, as in effects.';
COMMENT ON COLUMN callbacks.call_id IS 'The call in which it was asked for.';
COMMENT ON COLUMN callbacks.due_at IS 'The one instant to which the caller''s words were resolved.';
COMMENT ON COLUMN callbacks.timezone IS 'IANA zone in which they were.';
COMMENT ON COLUMN callbacks.span IS 'The words, as the model handed them on.';

CREATE TABLE IF NOT EXISTS calls (
    id         text PRIMARY KEY,
    carrier    text NOT NULL,
    carrier_id text NOT NULL DEFAULT '',
    contact_id bigint REFERENCES contacts,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    ended_by   text,
    record     jsonb NOT NULL,
    saved_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS calls_started ON calls (started_at DESC, id);
CREATE INDEX IF NOT EXISTS calls_contact ON calls (contact_id, started_at DESC);
COMMENT ON TABLE calls IS 'Calls that have ended.';
COMMENT ON COLUMN calls.carrier_id IS 'The carrier''s name of the call (Twilio''s CallSid); empty when it has none.';
COMMENT ON COLUMN calls.record IS 'The whole record as the call API shows it, but for its turns.';

CREATE TABLE IF NOT EXISTS turns (
    call_id text NOT NULL REFERENCES calls ON DELETE CASCADE,
    turn    integer NOT NULL CHECK (turn >= 0),
    record  jsonb NOT NULL,
    caller  text GENERATED ALWAYS AS (record ->> 'caller') STORED,
    agent   text GENERATED ALWAYS AS (record ->> 'agent') STORED,
    heard   text GENERATED ALWAYS AS (record ->> 'heard') STORED,
    tools   jsonb GENERATED ALWAYS AS (record -> 'tools') STORED,
    marks   jsonb GENERATED ALWAYS AS (record -> 'marks') STORED,
    PRIMARY KEY (call_id, turn)
);
COMMENT ON TABLE turns IS 'What was said, heard and done in an ended call, in order.';
COMMENT ON COLUMN turns.turn IS 'Position in the call, from 0.';
COMMENT ON COLUMN turns.record IS 'The whole turn as the call API shows it.';
COMMENT ON COLUMN turns.heard IS 'What the caller heard of the agent''s words.';
COMMENT ON COLUMN turns.marks IS 'The time ledger: seconds since the caller''s last speech sample arrived.';
